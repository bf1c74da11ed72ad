import { quote } from '../quote.js'
import { CR, flagControls, isBlank } from './characters.js'
import type { Flag } from './flags.js'
import { Undecodable } from './undecodable.js'

const MOST_DIGITS = 16

export interface ChunkLine {
  /** In bytes; 0 for the last chunk. */
  readonly size: number
  readonly flags: readonly Flag[]
}

/** The value of a hexadecimal digit's byte, -1 for any other byte. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/**
 * Reads a chunk-size line (RFC 9112 §7.1), given without its LF. Extensions are skipped. Where the size has whitespace,
 * a `+` or a `0x` around it, it's read as strtol would, which is what lenient servers do.
 */
export function parseChunkLine(line: string): ChunkLine | Undecodable {
  const flags: Flag[] = []
  let end = line.length
  if (end > 0 && line.charCodeAt(end - 1) === CR) end--
  else flags.push('bare-lf-in-chunk')
  const text = line.slice(0, end)

  let start = 0
  while (start < end && isBlank(text.charCodeAt(start))) start++
  if (text[start] === '+') start++
  if (text[start] === '0' && (text[start + 1] === 'x' || text[start + 1] === 'X')) start += 2
  let digitsEnd = start
  let size = 0
  for (; digitsEnd < end; digitsEnd++) {
    const digit = hexDigit(text.charCodeAt(digitsEnd))
    if (digit === -1) break
    size = size * 16 + digit
  }
  let rest = digitsEnd
  while (rest < end && isBlank(text.charCodeAt(rest))) rest++
  if (digitsEnd === start || (rest < end && text[rest] !== ';')) {
    return new Undecodable(`chunk size not understood: ${quote(text)}`)
  }
  if (digitsEnd - start > MOST_DIGITS || !Number.isSafeInteger(size)) {
    return new Undecodable(`chunk size too large: ${quote(text)}`)
  }
  if (start > 0 || rest > digitsEnd) flags.push('odd-chunk-size')
  flagControls(text, flags)
  return { size, flags }
}
