import type { Flag } from './flags.js'

export const HT = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
const DEL = 0x7f

const TOKEN = new Uint8Array(256)
for (const character of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  TOKEN[character.charCodeAt(0)] = 1
}

/** Whether a byte may be part of a method or a field name (RFC 9110 §5.6.2). */
export function isTokenByte(code: number): boolean {
  return TOKEN[code] === 1
}

/** Whether the text is a token: at least one character, all of them token bytes. */
export function isToken(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (TOKEN[text.charCodeAt(index)] !== 1) return false
  }
  return text.length > 0
}

export function isBlank(code: number): boolean {
  return code === SP || code === HT
}

/** Without the spaces and tabs around it (OWS, RFC 9110 §5.6.3), and nothing else: String.trim would take a VT too. */
export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/**
 * Adds a flag for each kind of stray control character in the text; a CR is stray unless a LF follows it. Costs a few
 * passes: ask hasStrayControls first where the text is long and there are many of its kind.
 */
export function flagControls(text: string, flags: Flag[]): void {
  // oxlint-disable-next-line no-control-regex
  if (!/[\x00-\x08\x0b-\x1f\x7f]/.test(text)) return
  if (text.includes('\0')) flags.push('nul')
  if (/\r(?!\n)/.test(text)) flags.push('bare-cr')
  // oxlint-disable-next-line no-control-regex
  if (/[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text)) flags.push('control-character')
}

/** Whether flagControls would find anything. Over bytes, as that takes half the time of a loop over a string. */
export function hasStrayControls(bytes: Buffer, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    const code = bytes[index]!
    if (code < SP) {
      if (code !== LF && code !== HT && (code !== CR || bytes[index + 1] !== LF)) return true
    } else if (code === DEL) {
      return true
    }
  }
  return false
}
