import type { CommandEvent } from '../../protocols/ftp/index.js'
import type { Outcome } from './session.js'

/** What is left of an ABOR that was sent as urgent data, telnet bytes before it included. */
const abortWithoutEnd = /(?:^|\n)[^A-Za-z\n]*ABOR\r$/i

/** The longest one that is looked for. */
const longest = 64

/** The telnet synch as it is meant to come before ABOR: IAC IP IAC DM (RFC 959 §4.1.3). */
const synch = Buffer.from([0xff, 0xf4, 0xff, 0xf2])

/** What becomes of urgency: Node has no way to send it. */
export const notUrgent = 'it goes on as ordinary data, and a server that waits for urgent data reads it only after the transfer'

/** Whether the client's stream stands at an ABOR without its LF. @param tail of what is held, as latin1. */
export function lacksLineFeed(tail: (most: number) => string): boolean {
  return abortWithoutEnd.test(tail(longest))
}

/**
 * The byte that a client sends as urgent doesn't reach us in its place: sockets hand it out separately, and Node not at all.
 * Of a synch, a piece is missing then, which a server that reads urgent data in line would take for garbage.
 */
export function withSynch({ raw }: CommandEvent): Outcome {
  const at = raw.toString('latin1').toUpperCase().indexOf('ABOR')
  if (at <= 0 || raw[0] !== 0xff || raw.subarray(0, at).equals(synch)) return null
  return { send: Buffer.concat([synch, raw.subarray(at)]) }
}
