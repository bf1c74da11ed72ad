/** Packets by hand, layer around layer. Addresses are IPv4 (10.0.0.1) or IPv6 (2001:db8:0:0:0:0:0:1, written out in full). */

export interface TcpFields {
  readonly from: number
  readonly to: number
  readonly sequence: number
  readonly acknowledged?: number
  /** Of S, F and R. */
  readonly flags?: string
  readonly payload?: string | Buffer
}

export function bytesOf(payload: string | Buffer): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
}

export function tcp({ from, to, sequence, acknowledged, flags = '', payload = '' }: TcpFields): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(from, 0)
  header.writeUInt16BE(to, 2)
  header.writeUInt32BE(sequence >>> 0, 4)
  header.writeUInt32BE((acknowledged ?? 0) >>> 0, 8)
  header[12] = 0x50
  header[13] = (flags.includes('F') ? 1 : 0) | (flags.includes('S') ? 2 : 0) | (flags.includes('R') ? 4 : 0) | (acknowledged === undefined ? 0 : 0x10)
  header.writeUInt16BE(65_535, 14)
  return Buffer.concat([header, bytesOf(payload)])
}

export function udp(from: number, to: number, payload: string | Buffer): Buffer {
  const bytes = bytesOf(payload)
  const header = Buffer.alloc(8)
  header.writeUInt16BE(from, 0)
  header.writeUInt16BE(to, 2)
  header.writeUInt16BE(8 + bytes.length, 4)
  return Buffer.concat([header, bytes])
}

export interface IpFields {
  readonly source?: string
  readonly destination?: string
  readonly protocol?: number
  readonly id?: number
  /** Of a fragment, in bytes. */
  readonly offset?: number
  readonly more?: boolean
}

export function ipv4(payload: Buffer, { source = '10.0.0.1', destination = '10.0.0.2', protocol = 6, id = 1, offset = 0, more = false }: IpFields = {}): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + payload.length, 2)
  header.writeUInt16BE(id, 4)
  header.writeUInt16BE(offset / 8 | (more ? 0x2000 : 0), 6)
  header[8] = 64
  header[9] = protocol
  header.set(source.split('.').map(Number), 12)
  header.set(destination.split('.').map(Number), 16)
  return Buffer.concat([header, payload])
}

/** @param extensions headers in front of the payload: [its own number, its bytes but the first]. */
export function ipv6(payload: Buffer, { source = '2001:db8:0:0:0:0:0:1', destination = '2001:db8:0:0:0:0:0:2', protocol = 6 }: IpFields = {}, extensions: readonly (readonly [number, Buffer])[] = []): Buffer {
  const following = [...extensions.slice(1).map(([number]) => number), protocol]
  const chain = extensions.map(([, bytes], n) => Buffer.concat([Buffer.from([following[n]!]), bytes]))
  const body = Buffer.concat([...chain, payload])
  const header = Buffer.alloc(40)
  header[0] = 0x60
  header.writeUInt16BE(body.length, 4)
  header[6] = extensions[0]?.[0] ?? protocol
  header[7] = 64
  for (const [text, at] of [[source, 8], [destination, 24]] as const) text.split(':').forEach((group, n) => header.writeUInt16BE(Number.parseInt(group, 16), at + n * 2))
  return Buffer.concat([header, body])
}

/** All but the number of the header that comes next. */
export function ipv6Fragment(id: number, offset: number, more: boolean): Buffer {
  const bytes = Buffer.alloc(7)
  bytes.writeUInt16BE(offset | (more ? 1 : 0), 1)
  bytes.writeUInt32BE(id, 3)
  return bytes
}

/** @param tags VLAN numbers, the outer first. */
export function ethernet(ip: Buffer, tags: readonly number[] = []): Buffer {
  const type = Buffer.from(ip[0]! >> 4 === 4 ? [0x08, 0x00] : [0x86, 0xdd])
  return Buffer.concat([Buffer.alloc(12), ...tags.map((tag) => Buffer.from([0x81, 0x00, tag >> 8, tag & 0xff])), type, ip])
}

export function cooked(ip: Buffer): Buffer {
  const header = Buffer.alloc(16)
  header.writeUInt16BE(ip[0]! >> 4 === 4 ? 0x0800 : 0x86dd, 14)
  return Buffer.concat([header, ip])
}

export function cooked2(ip: Buffer): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(ip[0]! >> 4 === 4 ? 0x0800 : 0x86dd, 0)
  return Buffer.concat([header, ip])
}

/** The address family is in the byte order of whoever captured. */
export function loopback(ip: Buffer): Buffer {
  return Buffer.concat([Buffer.from([2, 0, 0, 0]), ip])
}
