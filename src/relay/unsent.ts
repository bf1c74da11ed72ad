import type { Socket } from 'node:net'

/** Counts down while what was written leaves for the system: `writableLength` does so only when a whole write is done, the handle's queue with each part of it. */
export function unsentBy(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle')
  const queued: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'writeQueueSize') : 0
  return socket.writableLength + (typeof queued === 'number' ? queued : 0)
}
