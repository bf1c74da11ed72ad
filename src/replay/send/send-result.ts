import type { Protocol } from '../../relay/address.js'
import type { Comparison } from '../compare/comparison.js'
import type { Quantiles } from '../compare/sample.js'

/** What wasn't sent, and why. */
export interface Skipped {
  /** The record's id. */
  readonly id: number
  /** What it is, in a line. Has what the wire had. */
  readonly asked: string
  /** What comes after a colon may have what the wire had. */
  readonly reason: string
}

export interface SendProgress {
  /** Requests, connections, UDP sessions or FTP sessions that are over, of `total`. */
  readonly done: number
  readonly total: number
  /** Ms since sending began. */
  readonly elapsed: number
}

export interface SendResult {
  readonly protocol: Protocol
  /** What it was sent to. */
  readonly target: string
  /** What was repeated. */
  readonly file: string
  /** The new traffic, a recording of its own. */
  readonly path: string
  /** Requests (HTTP), connections (TCP), sessions (UDP, FTP). */
  readonly sent: number
  /** How many weren't sent. */
  readonly skippedCount: number
  /** The first 1,000 of them. */
  readonly skipped: readonly Skipped[]
  /** Sentences on what was sent otherwise than recorded. Have what the wire had. */
  readonly notes: readonly string[]
  /** How the answers compare with the recorded ones: `a` is the recorded side, `b` the new one. */
  readonly comparison: Comparison
  /** Requests, connections or sessions that were to be sent. */
  readonly planned: number
  /** It was ended by the signal: only what was begun is compared, and `equal` is false. */
  readonly interrupted: boolean
  /** Every answer to what was sent is there and as recorded, and there are some; with `strict`, all was sent too. */
  readonly equal: boolean
  /** Ms that sending took. */
  readonly durationMs: number
  /** Ms by which things were sent later than recorded, or than the speed asks for; null at `max`. */
  readonly drift: Quantiles | null
}
