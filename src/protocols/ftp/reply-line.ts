import { withoutTelnet } from './telnet.js'

const CR = 0x0d
const SP = 0x20
const HYPHEN = 0x2d

/** The longest beginning of a line that is looked at for a code while the line isn't complete. */
const PREFIX = 64

/**
 * What a reply's first line begins with: its code; `undecided` where more bytes have to come; `none` where it has no
 * three digits followed by a space, a hyphen or nothing (RFC 959 §4.2).
 */
export type ReplyStart = number | 'undecided' | 'none'

/** Reads the code of a line, given without telnet sequences and line end. `complete` says that no more bytes come. */
export function readCode(text: Buffer, complete: boolean): ReplyStart {
  let code = 0
  for (let index = 0; index < 3; index++) {
    const digit = text[index]
    if (digit === undefined) return complete ? 'none' : 'undecided'
    if (digit < 0x30 || digit > 0x39) return 'none'
    code = code * 10 + digit - 0x30
  }
  const after = text[3]
  return after === undefined || after === SP || after === HYPHEN ? code : 'none'
}

/** The same for a line that isn't complete, as it came. */
export function peekCode(line: Buffer): ReplyStart {
  return readCode(replyText(line.subarray(0, PREFIX)), false)
}

/** Whether this line ends the multi-line reply that began with this code. */
export function endsReply(text: Buffer, code: number): boolean {
  return readCode(text, true) === code && text[3] !== HYPHEN
}

/** Whether more lines follow a reply's first one. */
export function isContinued(text: Buffer): boolean {
  return text[3] === HYPHEN
}

/** A reply's line without telnet sequences, and without CRs that stand before its line end beyond the one that belongs there. */
export function replyText(content: Buffer): Buffer {
  const text = withoutTelnet(content)
  let end = text.length
  while (end > 0 && text[end - 1] === CR) end--
  return text.subarray(0, end)
}

/** Whether replies may have this code (RFC 959 §4.2.1). */
export function isReplyCode(code: number): boolean {
  return code >= 100 && code <= 599
}
