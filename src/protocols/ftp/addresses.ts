import { isIPv4, isIPv6 } from 'node:net'

/** Where a data connection goes. `port` is never 0. */
export interface DataAddress {
  readonly host: string
  readonly port: number
}

/** As EPRT names it: 4 for IPv4, 6 for IPv6. */
export interface ExtendedAddress extends DataAddress {
  readonly family: 4 | 6
}

/** What EPSV asks for: a family, `any` without argument, or `all`: no PORT, PASV or EPRT from now on (RFC 2428 §4). */
export type EpsvRequest = 'any' | 'all' | 4 | 6

/*
 * All repetitions are bounded, so that no line, however long, takes more than linear time. Numbers of more than five
 * digits are out of range whatever they stand for.
 */

/** Six numbers with commas, wherever they stand: neither parentheses nor text are fixed (RFC 1123 §4.1.2.6). */
export const SIX_NUMBERS = new RegExp(`(?<!\\d)${Array(6).fill('(\\d{1,5})').join(' {0,4}, {0,4}')}(?!\\d)`, 'd')

/**
 * A delimiter three times, the port, the delimiter again; a server may wrongly have filled in family and address. Any
 * printable character but a digit may be the delimiter (RFC 2428 §3).
 */
const EPSV_IN_PARENTHESES = /\(([!-/:-~])[12]?\1[0-9a-fA-F.:]{0,45}\1(?<port>\d{1,5})\1 {0,4}\)/d
const EPSV_WITHOUT = /([!-/:-~])\1\1(?<port>\d{1,5})\1/d

/** Delimiter, family, delimiter, address, delimiter, port, delimiter (RFC 2428 §2); some clients leave the zone in an address. */
export const EPRT_ARGUMENT = /([!-/:-~])(?<family>[12])\1(?<host>[0-9a-fA-F.:]{1,45}(?:%[0-9A-Za-z._-]{1,32})?)\1(?<port>\d{1,5})\1/d

/** Where an EPSV reply has its port. */
export function findEpsvPort(text: string): RegExpExecArray | null {
  return EPSV_IN_PARENTHESES.exec(text) ?? EPSV_WITHOUT.exec(text)
}

/** The address in a 227 reply's text; null where there is none or a number is beyond 255. */
export function parsePasvReply(text: string): DataAddress | null {
  return sixNumbers(SIX_NUMBERS.exec(text))
}

/** The port in a 229 reply's text; null where there is none. */
export function parseEpsvReply(text: string): { readonly port: number } | null {
  const port = parsePort(findEpsvPort(text)?.groups?.['port'])
  return port === null ? null : { port }
}

/** The address in PORT's argument; null where it isn't six numbers up to 255 and nothing else. */
export function parsePortArgument(text: string): DataAddress | null {
  const trimmed = text.trim()
  const found = SIX_NUMBERS.exec(trimmed)
  return found?.[0] === trimmed ? sixNumbers(found) : null
}

/** The address in EPRT's argument; null where the form, the address or the port is wrong, or the family unknown. */
export function parseEprtArgument(text: string): ExtendedAddress | null {
  const trimmed = text.trim()
  const found = EPRT_ARGUMENT.exec(trimmed)
  if (found === null || found[0] !== trimmed) return null
  const { host, family } = found.groups as { host: string, family: string }
  const port = parsePort(found.groups!['port'])
  if (port === null) return null
  if (family === '1') return isIPv4(host) ? { family: 4, host, port } : null
  return isIPv6(host) ? { family: 6, host, port } : null
}

/** What EPSV's argument asks for, null or empty for none; null where it is nothing that RFC 2428 knows. */
export function parseEpsvArgument(text: string | null): EpsvRequest | null {
  const word = (text ?? '').trim().toUpperCase()
  if (word === '') return 'any'
  if (word === 'ALL') return 'all'
  return word === '1' ? 4 : word === '2' ? 6 : null
}

function sixNumbers(found: RegExpExecArray | null): DataAddress | null {
  if (found === null) return null
  const numbers = found.slice(1).map(Number)
  if (numbers.some(number => number > 255)) return null
  const port = numbers[4]! * 256 + numbers[5]!
  return port === 0 ? null : { host: numbers.slice(0, 4).join('.'), port }
}

function parsePort(digits: string | undefined): number | null {
  const port = Number(digits ?? 0)
  return port >= 1 && port <= 65_535 ? port : null
}
