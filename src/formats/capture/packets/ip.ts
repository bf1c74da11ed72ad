export const protocolNumbers = { tcp: 6, udp: 17 } as const

/** One IP packet, or a part of one. */
export interface IpPacket {
  readonly version: 4 | 6
  /** Of the payload: 6 is TCP, 17 UDP. */
  readonly protocol: number
  /** Source and destination, one after the other: 8 bytes, or 32. */
  readonly addresses: Buffer
  readonly payload: Buffer
  /** Bytes of the payload that were on the wire and aren't in the capture, at its end. */
  readonly missing: number
  /** `offset` in bytes; null where it is whole. */
  readonly fragment: { readonly id: number, readonly offset: number, readonly more: boolean } | null
}

/** Headers before the payload that only say where the next one is (RFC 8200 §4). */
const hopByHop = 0
const routing = 43
const fragmentHeader = 44
const authentication = 51
const destinationOptions = 60
const mobility = 135

/** No sender has more; a hostile one could chain thousands. */
const mostExtensions = 16

/** @returns null where this is no IP packet, or cut within its headers. */
export function readIp(bytes: Buffer, at: number, wireLength: number): IpPacket | null {
  const version = (bytes[at] ?? 0) >> 4
  return version === 4 ? readIpv4(bytes, at, wireLength) : version === 6 ? readIpv6(bytes, at, wireLength) : null
}

function readIpv4(bytes: Buffer, at: number, wireLength: number): IpPacket | null {
  if (at + 20 > bytes.length) return null
  const headerSize = (bytes[at]! & 0x0f) * 4
  // 0 is what segmentation offload leaves there: the packet is as long as it was captured. More than was on the wire is a lie.
  const total = Math.min(bytes.readUInt16BE(at + 2) || Infinity, wireLength - at)
  if (headerSize < 20 || total < headerSize || at + headerSize > bytes.length) return null
  const word = bytes.readUInt16BE(at + 6)
  const offset = (word & 0x1fff) * 8
  const more = (word & 0x2000) !== 0
  const end = Math.min(at + total, bytes.length)
  return {
    version: 4, protocol: bytes[at + 9]!, addresses: bytes.subarray(at + 12, at + 20),
    payload: bytes.subarray(at + headerSize, end), missing: at + total - end,
    fragment: more || offset > 0 ? { id: bytes.readUInt16BE(at + 4), offset, more } : null,
  }
}

function readIpv6(bytes: Buffer, start: number, wireLength: number): IpPacket | null {
  if (start + 40 > bytes.length) return null
  const told = bytes.readUInt16BE(start + 4)
  const wireEnd = told === 0 ? wireLength : Math.min(start + 40 + told, wireLength)
  let next = bytes[start + 6]!
  let at = start + 40
  let fragment: IpPacket['fragment'] = null
  for (let count = 0; isExtension(next); count++) {
    if (count === mostExtensions || at + 8 > bytes.length) return null
    if (next === fragmentHeader) {
      const word = bytes.readUInt16BE(at + 2)
      const more = (word & 1) !== 0
      const offset = word & 0xfff8
      // An atomic fragment (RFC 6946) is whole.
      if (more || offset > 0) fragment = { id: bytes.readUInt32BE(at + 4), offset, more }
    }
    const size = next === fragmentHeader ? 8 : next === authentication ? (bytes[at + 1]! + 2) * 4 : (bytes[at + 1]! + 1) * 8
    next = bytes[at]!
    at += size
    if (fragment !== null) break
  }
  if (at > bytes.length || at > wireEnd) return null
  const end = Math.min(wireEnd, bytes.length)
  return { version: 6, protocol: next, addresses: bytes.subarray(start + 8, start + 40), payload: bytes.subarray(at, end), missing: wireEnd - end, fragment }
}

function isExtension(next: number): boolean {
  return next === hopByHop || next === routing || next === fragmentHeader || next === authentication || next === destinationOptions || next === mobility
}

/** @param addresses as an IpPacket has them. @param of 0 for the source, 1 for the destination. */
export function addressText(addresses: Buffer, of: 0 | 1): string {
  const size = addresses.length / 2
  const bytes = addresses.subarray(of * size, (of + 1) * size)
  return size === 4 ? bytes.join('.') : ipv6Text(bytes)
}

/** As RFC 5952 writes it, and the system does. */
function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, n) => bytes.readUInt16BE(n * 2))
  let best = { start: -1, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  const text = (from: number, to: number): string => groups.slice(from, to).map((group) => group.toString(16)).join(':')
  return best.start < 0 ? text(0, 8) : `${text(0, best.start)}::${text(best.start + best.length, 8)}`
}
