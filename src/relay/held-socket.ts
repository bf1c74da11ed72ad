import type { Socket } from 'node:net'
import type { ConnectionInfo } from '../plugins/messages.js'
import type { Carried, OpenConnections } from './open-connections.js'
import { resetSocket } from './reset-socket.js'

/** An accepted socket that waits for plugins before anything is made of it. */
export interface HeldSocket {
  /** It goes on, or is ended by who held it. @returns false where it is gone, or was ended meanwhile: then that is told already. */
  release(): boolean
}

/**
 * @param open where it stands until it is released: it is ended with the others.
 * @param side who came.
 * @param onGone why it was gone before its time.
 */
export function holdSocket(socket: Socket, open: OpenConnections, info: ConnectionInfo, side: 'client' | 'server', onGone: (reason: string) => void): HeldSocket {
  let held = true
  const over = (reason: string, end: () => void): void => {
    if (!held) return
    held = false
    open.remove(waiting)
    onGone(reason)
    end()
  }
  const close = (reason: string): void => over(reason, () => socket.destroy())
  const reset = (reason: string): void => over(reason, () => resetSocket(socket))
  const waiting: Carried = { bytes: { up: 0, down: 0 }, busy: true, close, reset }
  open.hold(waiting, info)
  const broken = (): void => {}
  socket.on('error', broken)
  const closed = (): void => close(`${side} closed`)
  socket.once('close', closed)
  return {
    release: () => {
      if (!held) return false
      held = false
      open.remove(waiting)
      // Whoever takes it over listens by himself.
      socket.off('error', broken).off('close', closed)
      return true
    },
  }
}
