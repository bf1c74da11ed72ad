import type { Direction } from '../../../protocols/decoder.js'

/**
 * How a recorded connection ended: the server closed or tore it down, or it was the client that left; or the server had no part in it: it was `stopped` by the relay
 * or with the recording, or there was none (`refused`).
 */
export type ScriptEnd = 'close' | 'reset' | 'client' | 'stopped' | 'refused'

/** What the client sees of an end that isn't its own. */
export const seenOf = { close: 'close', reset: 'reset', stopped: 'close', refused: 'reset' } as const

export interface ScriptPiece {
  readonly bytes: Buffer
  /** µs since the epoch. */
  readonly time: number
  /** Among pieces of the same time. */
  readonly order: number
  /** It begins within what was read together, not with it. */
  readonly within: boolean
}

/** Recorded connections as scripts of turns, known by their places in the recorded order, from 0. */
export interface Scripts {
  readonly size: number
  /**
   * What the client said (`up`) or got (`down`), from an offset to the end of what was read together.
   * @returns null at the stream's end.
   */
  piece(script: number, direction: Direction, offset: number): ScriptPiece | null
  /** Tells that the pieces of many scripts at the same place are about to be asked for. */
  ahead?(scripts: readonly number[], place: Place): void
  end(script: number): ScriptEnd
  /** When the connection stood, in µs since the epoch. */
  began(script: number): number
}

/** How far a conversation has come, in bytes of either stream. */
export interface Place {
  readonly up: number
  readonly down: number
}

/** What comes next in a script: the server says something, the client has to, or it is over. */
export type Step =
  | { readonly kind: 'due', readonly piece: ScriptPiece }
  | { readonly kind: 'waits', readonly piece: ScriptPiece }
  | { readonly kind: 'over', readonly end: ScriptEnd }

/**
 * What the server said before the client's next bytes is due; what it said after them waits for them. What the server has said too early
 * (another script was as good until then) is passed over.
 */
export function stepOf(scripts: Scripts, script: number, { up, down }: Place): Step {
  const said = scripts.piece(script, 'up', up)
  // What was due was said before the client began with this.
  if (said?.within === true) return { kind: 'waits', piece: said }
  const answered = scripts.piece(script, 'down', down)
  if (answered !== null && (said === null || isBefore(answered, said))) return { kind: 'due', piece: answered }
  return said === null ? { kind: 'over', end: scripts.end(script) } : { kind: 'waits', piece: said }
}

/** Whether an end tells nothing of what the server does for a client that says something: it isn't the server's, or came to a client that was silent. */
export function isNoAnswer(end: ScriptEnd, { up }: Place): boolean {
  return end !== 'client' && (up === 0 || end === 'stopped' || end === 'refused')
}

function isBefore(a: ScriptPiece, b: ScriptPiece): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}
