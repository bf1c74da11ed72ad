import type { Socket } from 'node:net'
import type { Direction } from '../protocols/decoder.js'
import type { Stages } from './connection-hooks.js'
import type { Dialled } from './dial.js'
import type { BufferedReads } from './reads.js'
import type { StreamStages } from './stages/stream-stages.js'

/** Follows what passes, to know where the connection may be handed over. */
export interface Watch {
  /** @param bytes valid until it returns. */
  take(direction: Direction, bytes: Buffer): void
  /** Nothing is begun that isn't over. */
  readonly between: boolean
}

/** A connection that is open, for another to carry on: both sockets, and how far it has come. */
export interface HandOver {
  readonly client: Socket
  readonly dialled: Dialled
  /** How the dialled socket is read, unless it carries TLS. */
  readonly dialledReads: BufferedReads
  /** Received so far. */
  readonly bytes: Readonly<Record<Direction, number>>
  /** What the plugins have for its bytes: each was asked already. */
  readonly stagesOf: Stages
  /** What stands before the sockets, by direction. Nothing waits in it. */
  readonly stages: Readonly<Record<Direction, StreamStages | null>>
  /** The client has just sent it; nobody was given it yet. */
  readonly chunk: Buffer
}
