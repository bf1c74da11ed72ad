import { isIPv4, isIPv6 } from 'node:net'
import { type DataAddress, EPRT_ARGUMENT, findEpsvPort, SIX_NUMBERS } from './addresses.js'

/*
 * Other addresses in lines that pass. Each takes the line or lines as they came, line end included, and gives them with
 * nothing but the address changed; the same buffer where it finds no address. All of them throw a RangeError where the
 * new address isn't one, as that's the caller's mistake and not the wire's.
 */

/** A 227 reply with another IPv4 address and port. */
export function withPasvAddress(raw: Buffer, address: DataAddress): Buffer {
  return withSixNumbers(raw, address)
}

/** A PORT command line with another IPv4 address and port. */
export function withPortArgument(raw: Buffer, address: DataAddress): Buffer {
  return withSixNumbers(raw, address)
}

/** A 229 reply with another port. */
export function withEpsvPort(raw: Buffer, port: number): Buffer {
  checkPort(port)
  const text = raw.toString('latin1')
  const place = findEpsvPort(text)?.indices?.groups?.['port']
  return place === undefined ? raw : replace(text, [[place, String(port)]])
}

/** An EPRT command line with another address, whose family it then names, and port. */
export function withEprtArgument(raw: Buffer, { host, port }: DataAddress): Buffer {
  checkPort(port)
  const family = isIPv4(host) ? '1' : isIPv6(host) && !host.includes('%') ? '2' : null
  if (family === null) throw new RangeError(`host has to be an IP address without a zone, not ${host}`)
  const text = raw.toString('latin1')
  const places = EPRT_ARGUMENT.exec(text)?.indices?.groups
  if (places === undefined) return raw
  return replace(text, [[places['family']!, family], [places['host']!, host], [places['port']!, String(port)]])
}

function withSixNumbers(raw: Buffer, { host, port }: DataAddress): Buffer {
  checkPort(port)
  if (!isIPv4(host)) throw new RangeError(`host has to be an IPv4 address, not ${host}`)
  const text = raw.toString('latin1')
  const places = SIX_NUMBERS.exec(text)?.indices
  if (places === undefined) return raw
  const numbers = [...host.split('.'), String(port >> 8), String(port & 0xff)]
  return replace(text, numbers.map((number, index) => [places[index + 1]!, number]))
}

function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return
  throw new RangeError(`port has to be an integer from 1 to 65535, not ${port}`)
}

type Replacement = readonly [place: readonly [start: number, end: number], by: string]

/** Latin1 text as bytes, with other characters at these places, which are in order. */
function replace(text: string, replacements: readonly Replacement[]): Buffer {
  let result = ''
  let position = 0
  for (const [[start, end], by] of replacements) {
    result += text.slice(position, start) + by
    position = end
  }
  return Buffer.from(result + text.slice(position), 'latin1')
}
