import type { Socket } from 'node:net'

/** How long peers have to close their sides of a connection that is ended in order, in ms. */
const finishPatience = 1000

/** Once all that was said is with the system, a peer that goes on talking isn't waited for. @param close called then, unless all is closed anyway. */
export function afterFinish(sockets: readonly Socket[], close: () => void): void {
  let unfinished = sockets.length
  for (const socket of sockets) {
    const finished = (): void => {
      if (--unfinished === 0) setTimeout(close, finishPatience).unref()
    }
    if (socket.writableFinished) finished()
    else socket.once('finish', finished)
  }
}

/**
 * Ends a socket after what it was given. What still comes is read: a system that closes with bytes unread resets, and the peer may lose what it hasn't
 * read. A peer that takes nothing, or doesn't end its side, isn't waited for.
 */
export function finishSoon(socket: Socket): void {
  if (socket.destroyed) return
  socket.end()
  socket.resume()
  let left = socket.writableLength
  const watch = setInterval(() => {
    if (!socket.writableFinished && socket.writableLength < left) left = socket.writableLength
    else socket.destroy()
  }, finishPatience).unref()
  socket.once('close', () => clearInterval(watch))
}
