import type { Socket } from 'node:net'
import type { OpenConnections } from './open-connections.js'

/** An accepted socket that waits for plugins before anything is made of it, counted among those that are open. */
export function holdSocket(socket: Socket, open: OpenConnections): { release(): { readonly gone: boolean } } {
  let gone = false
  const waiting = { bytes: { up: 0, down: 0 }, close: () => socket.destroy() }
  open.add('tcp', null, waiting)
  const broken = (): void => {}
  socket.on('error', broken)
  socket.once('close', () => { gone = true })
  return {
    release: () => {
      open.remove(waiting)
      // Whoever takes it over listens by himself; what is gone may still fail.
      if (!gone) socket.off('error', broken)
      return { gone }
    },
  }
}
