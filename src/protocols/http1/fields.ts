import { quote } from '../quote.js'
import { CR, flagControls, hasStrayControls, HT, isBlank, isToken, isTokenByte, SP, trimBlanks } from './characters.js'
import { type Flag, NO_FLAGS } from './flags.js'
import { type FramingFields, NO_FRAMING_FIELDS, readFramingFields } from './framing.js'
import type { Header, Headers } from './headers.js'
import { Undecodable } from './undecodable.js'

/** A header or trailer section, read. Depends on its bytes alone, so the result is reused where the bytes repeat. */
export interface Fields {
  readonly headers: Headers
  readonly flags: readonly Flag[]
  readonly framing: FramingFields
  readonly hosts: number
  /** Bytes up to and with the blank line, where the text went on after it. */
  readonly length: number
}

const COLON = 0x3a

/** Reads field lines (RFC 9112 §5) up to the first blank line, which has to come before `sectionEnd`. */
export function parseFields(bytes: Buffer, sectionStart: number, sectionEnd: number): Fields | Undecodable {
  const text = bytes.toString('latin1', sectionStart, sectionEnd)
  const headers: Header[] = []
  const flags: Flag[] = []
  let bareLf = false
  let framed = false
  let hosts = 0
  let start = 0
  for (;;) {
    const feed = text.indexOf('\n', start)
    let end = feed
    if (feed > start && text.charCodeAt(feed - 1) === CR) end--
    else bareLf = true
    if (end === start) {
      start = feed + 1
      break
    }
    const first = text.charCodeAt(start)
    if (first === SP || first === HT) {
      foldLine(text.slice(start, end), headers, flags)
    } else {
      const nameEnd = tokenEnd(text, start)
      const colon = text.charCodeAt(nameEnd) === COLON ? nameEnd : text.indexOf(':', start)
      if (colon === -1 || colon >= end) {
        return new Undecodable(`field line without a colon: ${quote(text.slice(start, end))}`)
      }
      const name = nameEnd === colon && colon > start ? text.slice(start, colon) : readOddName(text, start, colon, flags)
      let valueStart = colon + 1
      let valueEnd = end
      while (valueStart < valueEnd && isBlank(text.charCodeAt(valueStart))) valueStart++
      while (valueEnd > valueStart && isBlank(text.charCodeAt(valueEnd - 1))) valueEnd--
      headers.push([name, text.slice(valueStart, valueEnd)])
      if (name.length === 4) {
        if (name.toLowerCase() === 'host') hosts++
      } else if (name.length === 14 || name.length === 17) {
        framed = true
      }
    }
    start = feed + 1
  }
  if (bareLf) flags.push('bare-lf')
  if (hosts > 1) flags.push('repeated-host')
  if (hasStrayControls(bytes, sectionStart, sectionStart + start)) flagControls(text.slice(0, start), flags)
  const framing = framed ? readFramingFields(headers, flags) : NO_FRAMING_FIELDS
  const allFlags = flags.length === 0 ? NO_FLAGS : Array.from(new Set(flags))
  return { headers, flags: allFlags, framing, hosts, length: start }
}

/** The usual name ends right at its colon. */
function tokenEnd(text: string, start: number): number {
  let end = start
  while (isTokenByte(text.charCodeAt(end))) end++
  return end
}

function readOddName(text: string, start: number, colon: number, flags: Flag[]): string {
  let end = colon
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  if (end !== colon) flags.push('space-before-colon')
  const name = text.slice(start, end)
  if (!isToken(name)) flags.push('odd-field-name')
  return name
}

/** A line that begins with whitespace goes on with the value before it, or is ignored where there is none. */
function foldLine(line: string, headers: Header[], flags: Flag[]): void {
  const last = headers.pop()
  if (last === undefined) {
    flags.push('whitespace-before-first-header')
    return
  }
  flags.push('obs-fold')
  // Joined without a look at the whole value each time, which would be quadratic for a value of many lines.
  const [name, value] = last
  const more = trimBlanks(line)
  headers.push(more === '' ? last : [name, value === '' ? more : `${value} ${more}`])
}
