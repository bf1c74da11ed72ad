import { withoutTelnet } from './telnet.js'

/**
 * Everything that this decoder calls odd about a line that it can read all the same. None of it stops the decoding;
 * each is a place where a peer could read the line differently.
 */
export const ODDITIES = [
  /** A line that ends in LF alone (RFC 959 §5.3.1 asks for CRLF). */
  'bare-lf',
  /** A CR elsewhere than right before the line's LF. */
  'bare-cr',
  /** A NUL byte; after a CR it is the telnet way to write a CR (RFC 2640 §3.1). */
  'nul',
  /** Any other control character but HT. */
  'control-character',
  /** The line has an IAC byte (0xFF): a telnet sequence, or a doubled one that stands for itself (RFC 854). */
  'telnet',
  /** A command line with nothing in it. Some servers answer it with 500, some don't answer. */
  'empty',
  /** Spaces before a command's verb; passed over. */
  'leading-space',
  /** A verb with anything but ASCII letters in it (RFC 959 §5.3). */
  'odd-verb',
  /** A reply whose last line is the code alone, without the space that has to follow it (RFC 959 §4.2). */
  'bare-code',
  /** A reply, other than the greeting, that no command was waiting for. */
  'unsolicited',
  /** A reply that answers a later command than the oldest one, as STAT's does during a transfer (RFC 959 §4.1.3). */
  'out-of-turn',
] as const

export type Oddity = typeof ODDITIES[number]

const HT = 0x09
const CR = 0x0d
const SP = 0x20
const DEL = 0x7f
const IAC = 0xff

/** Adds what is odd about a line's bytes, given without its line end. */
export function addOddBytes(content: Buffer, odd: Set<Oddity>): void {
  if (content.includes(IAC)) odd.add('telnet')
  for (const code of withoutTelnet(content)) {
    if (code === 0) odd.add('nul')
    else if (code === CR) odd.add('bare-cr')
    else if ((code < SP && code !== HT) || code === DEL) odd.add('control-character')
  }
}
