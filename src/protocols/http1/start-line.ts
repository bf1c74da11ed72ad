import { QUOTE_LIMIT, quote } from '../quote.js'
import { flagControls, isBlank, isToken, trimBlanks } from './characters.js'
import { type Flag, joinFlags, NO_FLAGS } from './flags.js'
import { Undecodable } from './undecodable.js'

export interface RequestLine {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly flags: readonly Flag[]
}

export interface StatusLine {
  readonly version: string
  readonly status: number
  readonly reason: string
  readonly flags: readonly Flag[]
}

/** Reads a request line (RFC 9112 §3), given without its line end. */
export function parseRequestLine(line: string): RequestLine | Undecodable {
  const methodEnd = line.indexOf(' ')
  const targetEnd = line.lastIndexOf(' ')
  if (methodEnd > 0 && targetEnd > methodEnd + 1 && line.endsWith('HTTP/1.1') && targetEnd === line.length - 9) {
    const method = line.slice(0, methodEnd)
    const target = line.slice(methodEnd + 1, targetEnd)
    if (methodEnd < QUOTE_LIMIT && isToken(method) && target.indexOf(' ') === -1 && target.indexOf('\t') === -1) {
      return { method, target, version: '1.1', flags: strayControls(line) }
    }
  }
  return parseOddRequestLine(line)
}

/** Reads a status line (RFC 9112 §4), given without its line end. The reason may be missing, with or without its space. */
export function parseStatusLine(line: string): StatusLine | Undecodable {
  if (line.startsWith('HTTP/1.1 ') && (line.length === 12 || line[12] === ' ')) {
    const status = threeDigits(line, 9)
    if (status !== -1) return { version: '1.1', status, reason: line.slice(13), flags: strayControls(line) }
  }
  return parseOddStatusLine(line)
}

function parseOddRequestLine(line: string): RequestLine | Undecodable {
  let methodEnd = 0
  while (methodEnd < line.length && !isBlank(line.charCodeAt(methodEnd))) methodEnd++
  let end = line.length
  while (end > 0 && isBlank(line.charCodeAt(end - 1))) end--
  let versionStart = end
  while (versionStart > 0 && !isBlank(line.charCodeAt(versionStart - 1))) versionStart--

  const method = line.slice(0, methodEnd)
  const version = parseVersion(line.slice(versionStart, end))
  if (methodEnd >= QUOTE_LIMIT || !isToken(method)) return notUnderstood('request', line)
  if (version === undefined) {
    const rest = trimBlanks(line.slice(methodEnd, end))
    const isSimple = method === 'GET' && rest.startsWith('/') && !rest.includes(' ')
    if (isSimple) return new Undecodable(`HTTP/0.9 request, which has no version: ${quote(line)}`)
    return notUnderstood('request', line)
  }
  const target = versionStart > methodEnd ? trimBlanks(line.slice(methodEnd, versionStart)) : ''
  if (target === '') return notUnderstood('request', line)
  if (isBeyondOne(version)) {
    if (method === 'PRI' && target === '*') return new Undecodable('HTTP/2 preface: only HTTP/1 is read here')
    return new Undecodable(`HTTP/${version} is not HTTP/1: ${quote(line)}`)
  }
  const flags: Flag[] = []
  if (line !== `${method} ${target} HTTP/${version}` || /[ \t]/.test(target)) flags.push('odd-start-line')
  return { method, target, version, flags: withVersion(flags, version, line) }
}

function parseOddStatusLine(line: string): StatusLine | Undecodable {
  const version = parseVersion(line.slice(0, 8))
  if (version === undefined) return notUnderstood('status', line)
  if (isBeyondOne(version)) return new Undecodable(`HTTP/${version} is not HTTP/1: ${quote(line)}`)
  let start = 8
  while (start < line.length && isBlank(line.charCodeAt(start))) start++
  const status = threeDigits(line, start)
  const after = start + 3
  if (start === 8 || status === -1 || (after < line.length && !isBlank(line.charCodeAt(after)))) {
    return notUnderstood('status', line)
  }
  const flags: Flag[] = []
  if (start !== 9 || line[8] !== ' ' || line[after] === '\t') flags.push('odd-start-line')
  return { version, status, reason: line.slice(after + 1), flags: withVersion(flags, version, line) }
}

function notUnderstood(kind: 'request' | 'status', line: string): Undecodable {
  return new Undecodable(`${kind} line not understood: ${quote(line)}`)
}

/** The digits of `HTTP/d.d`, in exactly that form and case (RFC 9112 §2.3). */
function parseVersion(text: string): string | undefined {
  return /^HTTP\/[0-9]\.[0-9]$/.test(text) ? text.slice(5) : undefined
}

function isBeyondOne(version: string): boolean {
  return version.charCodeAt(0) > 0x31
}

function withVersion(flags: Flag[], version: string, line: string): readonly Flag[] {
  if (version !== '1.1' && version !== '1.0') flags.push('odd-version')
  return joinFlags(flags, strayControls(line))
}

function strayControls(line: string): readonly Flag[] {
  const flags: Flag[] = []
  flagControls(line, flags)
  return flags.length === 0 ? NO_FLAGS : flags
}

function threeDigits(line: string, start: number): number {
  let number = 0
  for (let index = start; index < start + 3; index++) {
    const digit = line.charCodeAt(index) - 0x30
    if (!(digit >= 0 && digit <= 9)) return -1
    number = number * 10 + digit
  }
  return number
}
