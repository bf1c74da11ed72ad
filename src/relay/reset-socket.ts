import type { Socket } from 'node:net'

/** Ms that what was written before is given to go out; a peer that doesn't read isn't waited for. */
const flushPatience = 1000

/**
 * Closes a socket at once; with a RST where some of what was written to it, or `more`, hasn't gone out: after a FIN it would look like all there is.
 * @param raw the TCP socket under it: the same, or the one that carries the TLS.
 */
export function closeNow(socket: Socket, raw: Socket, more: boolean): void {
  // No shutdown is under way while anything waits.
  if (socket.writableLength > 0 || (more && !socket.writableEnded)) {
    Object.assign(raw, { resetAndClosing: true })
    raw.destroy()
  }
  socket.destroy()
}

/**
 * Tears a socket down with a RST, after what was written to it. Node's own resetAndDestroy() shuts the socket down first, and libuv resets none
 * whose shutdown is under way (EINVAL): where both fall together, no `close` is ever told and the descriptor stays. Here a shutdown that is
 * under way is waited for, and none is begun.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return
  let over = false
  const go = (): void => {
    if (over || socket.destroyed) return
    if (socket.writableEnded && !socket.writableFinished) {
      socket.once('finish', go)
      return
    }
    over = true
    // What resetAndDestroy() sets, before its destroySoon().
    Object.assign(socket, { resetAndClosing: true })
    socket.destroy()
  }
  const timer = setTimeout(() => {
    if (over || socket.destroyed) return
    over = true
    const shutting = socket.writableEnded && !socket.writableFinished
    Object.assign(socket, { resetAndClosing: !shutting })
    socket.destroy()
  }, flushPatience).unref()
  socket.once('close', () => clearTimeout(timer))
  if (socket.connecting) socket.once('connect', go)
  else if (socket.writableLength === 0 || socket.writableEnded) go()
  else socket.write(Buffer.alloc(0), go)
}
