import type { Socket } from 'node:net'
import type { Direction } from '../../protocols/decoder.js'
import type { Address } from '../../recording/notes.js'
import { addressOf } from '../connection.js'
import type { FtpSettings } from './options.js'
import type { PreparedPort } from './prepared-port.js'

/** The relay's own address and the peer's on one side of a control connection. */
export interface Side {
  readonly own: Address
  readonly peer: Address
}

/** What the commands that prepare data connections work with. */
export interface FtpSession {
  readonly settings: FtpSettings
  /** Null where the socket was gone before it could be asked. */
  readonly client: Side | null
  /** Null until it is connected, too. */
  server: Side | null
  readonly prepared: PreparedPort
  event(kind: string, text: string, direction?: Direction, offset?: number): void
}

/**
 * What becomes of a command or a reply: null where it passes as it is. `send` takes its place. `refuse` is for commands:
 * the client gets this reply, and an event says why; the server never sees the command. Plugins ask for the last two: `answer` is
 * what the client gets instead of a command's reply, which may be nothing, and `end` ends the connection in the command's place.
 */
export type Outcome =
  | null
  | { readonly send: Buffer }
  | { readonly refuse: string, readonly kind: string, readonly why: string }
  | { readonly answer: Buffer }
  | { readonly end: 'close' | 'reset' }

/** Asked once, while the socket is there: one that has been reset has no addresses any more. */
export function sideOf(socket: Socket): Side | null {
  const own = addressOf(socket.localAddress, socket.localPort)
  const peer = addressOf(socket.remoteAddress, socket.remotePort)
  return own === null || peer === null ? null : { own, peer }
}
