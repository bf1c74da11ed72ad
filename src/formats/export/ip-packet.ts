import { isIPv4, isIPv6 } from 'node:net'
import type { Address } from '../../recording/notes.js'

const tcp = 6
const udp = 17
const timeToLive = 64

export const TcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const

export interface TcpHeader {
  readonly seq: number
  readonly ack: number
  readonly flags: number
  /** A multiple of 4 bytes. */
  readonly options?: Buffer
}

/** Two endpoints of one family of IP, and packets between them: header, checksums and all (RFC 791, 8200, 9293, 768). */
export class IpPath {
  readonly #ends: Readonly<Record<'up' | 'down', { readonly bytes: Buffer, readonly port: number }>>
  readonly #v6: boolean
  readonly #addressSum: number
  #identification = 0

  /** @param client sends up. Of two families, the IPv4 address is written as IPv6 does it. */
  constructor(client: Address, server: Address) {
    this.#v6 = !(isIPv4(client.host) && isIPv4(server.host))
    const end = ({ host, port }: Address) => ({ bytes: this.#v6 ? bytesOfV6(host) : bytesOfV4(host), port })
    this.#ends = { up: end(client), down: end(server) }
    this.#addressSum = sum16(this.#ends.up.bytes, 0) + sum16(this.#ends.down.bytes, 0)
  }

  /** Payload of the largest TCP segment: an Ethernet's 1500 bytes less both headers. */
  get segmentSize(): number {
    return this.#v6 ? 1440 : 1460
  }

  tcp(direction: 'up' | 'down', { seq, ack, flags, options = none }: TcpHeader, payload: Buffer): Buffer {
    const header = 20 + options.length
    const { packet, at } = this.#packet(direction, tcp, header + payload.length)
    this.#ports(packet, at, direction)
    packet.writeUInt32BE(seq, at + 4)
    packet.writeUInt32BE(ack, at + 8)
    packet[at + 12] = header << 2
    packet[at + 13] = flags
    packet.writeUInt16BE(65_535, at + 14)
    options.copy(packet, at + 20)
    payload.copy(packet, at + header)
    packet.writeUInt16BE(this.#checksum(packet, at, tcp), at + 16)
    return packet
  }

  /** @param missing bytes that the payload had besides, at its end: the packet is cut there, its lengths tell of all, and its checksum takes them for zeros. */
  udp(direction: 'up' | 'down', payload: Buffer, missing = 0): Buffer {
    const { packet, at } = this.#packet(direction, udp, 8 + payload.length + missing)
    this.#ports(packet, at, direction)
    packet.writeUInt16BE(8 + payload.length + missing, at + 4)
    payload.copy(packet, at + 8)
    // Zero would say that there is none.
    packet.writeUInt16BE(this.#checksum(packet, at, udp) || 0xffff, at + 6)
    return packet.subarray(0, packet.length - missing)
  }

  #packet(direction: 'up' | 'down', protocol: number, length: number): { readonly packet: Buffer, readonly at: number } {
    const [from, to] = direction === 'up' ? [this.#ends.up, this.#ends.down] : [this.#ends.down, this.#ends.up]
    const at = this.#v6 ? 40 : 20
    const packet = Buffer.alloc(at + length)
    if (this.#v6) {
      packet[0] = 0x60
      packet.writeUInt16BE(length, 4)
      packet[6] = protocol
      packet[7] = timeToLive
      from.bytes.copy(packet, 8)
      to.bytes.copy(packet, 24)
      return { packet, at }
    }
    packet[0] = 0x45
    packet.writeUInt16BE(at + length, 2)
    packet.writeUInt16BE(this.#identification = (this.#identification + 1) & 0xffff, 4)
    // Don't fragment.
    packet[6] = 0x40
    packet[8] = timeToLive
    packet[9] = protocol
    from.bytes.copy(packet, 12)
    to.bytes.copy(packet, 16)
    packet.writeUInt16BE(folded(sum16(packet, 0, at)), 10)
    return { packet, at }
  }

  #ports(packet: Buffer, at: number, direction: 'up' | 'down'): void {
    packet.writeUInt16BE(this.#ends[direction].port, at)
    packet.writeUInt16BE(this.#ends[direction === 'up' ? 'down' : 'up'].port, at + 2)
  }

  /** With the pseudo-header, which is the same in both directions. */
  #checksum(packet: Buffer, at: number, protocol: number): number {
    return folded(this.#addressSum + protocol + packet.length - at + sum16(packet, at))
  }
}

const none = Buffer.alloc(0)

function sum16(bytes: Buffer, start: number, end = bytes.length): number {
  let sum = 0
  let at = start
  for (; at + 1 < end; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!
  return at < end ? sum + (bytes[at]! << 8) : sum
}

function folded(sum: number): number {
  let rest = sum
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 0x10000)
  return ~rest & 0xffff
}

function bytesOfV4(host: string): Buffer {
  return Buffer.from(host.split('.').map(Number))
}

function bytesOfV6(host: string): Buffer {
  if (isIPv4(host)) return Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), bytesOfV4(host)])
  const address = host.replace(/%.*$/, '')
  if (!isIPv6(address)) return Buffer.alloc(16)
  // An IPv4 address at the end is two groups.
  const groups = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`)
  const [before, after] = groups.split('::').map((half) => half.split(':').filter((group) => group !== '')) as [string[], string[]?]
  const all = after === undefined ? before : [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  const bytes = Buffer.alloc(16)
  for (const [place, group] of all.entries()) bytes.writeUInt16BE(parseInt(group, 16), place * 2)
  return bytes
}
