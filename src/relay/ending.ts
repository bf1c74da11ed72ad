import type { Socket } from 'node:net'
import { reasonOf, systemCodeOf } from '../error.js'

/** Why a connection is over: who ended it, and the failure where there was one. */
export interface ConnectionEnding {
  readonly reason: string
  readonly error: string | null
}

/** Codes by which the system says that the peer tore the connection down instead of closing it. */
const resets = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])

/** What a socket's error says of the side that it leads to. */
export function brokenBy(side: 'client' | 'server', error: Error): ConnectionEnding {
  const code = systemCodeOf(error)
  return code !== null && resets.has(code)
    ? { reason: `${side} reset`, error: `${side} reset the connection` }
    : { reason: `${side} failed`, error: `${side} connection failed: ${reasonOf(error)}` }
}

/**
 * To be asked when a socket has ended. A reset that comes together with data is told as an end by libuv, which takes the hang-up after a
 * short read for one (uv__stream_io). The system knows better: whoever closed in order is still there to be asked for, who tore
 * down isn't. Where we have closed our side already, nobody is there either way, and it passes for an end.
 * @returns the error that the end stands for; null where it is one.
 */
export function resetBehind(socket: Socket): Error | null {
  if (socket.writableEnded) return null
  // Node remembers the answer that it got when all was well.
  Object.assign(socket, { _peername: undefined })
  return socket.remoteAddress === undefined ? Object.assign(new Error('the peer reset the connection'), { code: 'ECONNRESET' }) : null
}
