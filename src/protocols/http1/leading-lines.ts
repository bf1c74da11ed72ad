import { CR, LF } from './characters.js'
import { type Flag, joinFlags, NO_FLAGS } from './flags.js'

/**
 * Passes over empty lines before a message. Clients of old sent a CRLF after a body (RFC 9112 §2.2). Servers pass over
 * any CR and LF there, not only pairs, so that's what is done here, with flags where it isn't a CRLF.
 */
export class LeadingLines {
  private readonly kind: 'request' | 'status'
  /** The byte before this one where that was passed over too, 0 otherwise. */
  private last = 0
  private flags: readonly Flag[] = NO_FLAGS

  constructor(kind: 'request' | 'status') {
    this.kind = kind
  }

  /** Position of the first byte at or after `start` that is part of a message. */
  skip(bytes: Buffer, start: number): number {
    let position = start
    for (; position < bytes.length; position++) {
      const code = bytes[position]!
      if (code !== CR && code !== LF) break
      if (this.kind === 'status') this.flag('blank-line-before-status')
      if (code === CR && this.last === CR) this.flag('bare-cr')
      if (code === LF && this.last !== CR) this.flag('bare-lf')
      this.last = code
    }
    if (position < bytes.length) {
      if (this.last === CR) this.flag('bare-cr')
      this.last = 0
    }
    return position
  }

  /** What was odd about the lines before the message that begins now. */
  takeFlags(): readonly Flag[] {
    const flags = this.flags
    this.flags = NO_FLAGS
    return flags
  }

  private flag(flag: Flag): void {
    this.flags = joinFlags(this.flags, [flag])
  }
}
