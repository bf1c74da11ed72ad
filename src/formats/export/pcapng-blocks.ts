/*
 * Blocks of pcapng (draft-ietf-opsawg-pcapng), little-endian, one section with one interface of raw IP and times in µs.
 */

const sectionHeader = 0x0a0d0d0a
const interfaceDescription = 1
const enhancedPacket = 6

/** LINKTYPE_RAW: the packet begins with its IP header. Nothing is invented below it. */
const rawIp = 101

const comment = 1
const endOfOptions = Buffer.alloc(4)

/** Text of a comment, cut: it is a name, not the thing. */
const longestComment = 500

export function sectionStart(application: string): Buffer {
  const section = Buffer.alloc(16)
  section.writeUInt32LE(0x1a2b3c4d, 0)
  section.writeUInt16LE(1, 4)
  // Of unknown length.
  section.fill(0xff, 8)
  const link = Buffer.alloc(8)
  link.writeUInt16LE(rawIp, 0)
  return Buffer.concat([
    block(sectionHeader, [section, option(4, Buffer.from(application)), endOfOptions]),
    block(interfaceDescription, [link, option(2, Buffer.from('wiretape')), option(9, Buffer.from([6])), endOfOptions]),
  ])
}

/** @param time µs since the epoch. @param name what the packet begins, for people. @param missing bytes that it had besides, at its end. */
export function packetBlock(time: number, packet: Buffer, name: string | null, missing: number): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt32LE(Math.floor(time / 2 ** 32), 4)
  header.writeUInt32LE(time % 2 ** 32, 8)
  header.writeUInt32LE(packet.length, 12)
  header.writeUInt32LE(packet.length + missing, 16)
  return block(enhancedPacket, [header, padded(packet), ...(name === null ? [] : [option(comment, Buffer.from(name.slice(0, longestComment))), endOfOptions])])
}

function block(type: number, parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 12)
  const ends = Buffer.alloc(12)
  ends.writeUInt32LE(type, 0)
  ends.writeUInt32LE(length, 4)
  ends.writeUInt32LE(length, 8)
  return Buffer.concat([ends.subarray(0, 8), ...parts, ends.subarray(8)], length)
}

function option(code: number, value: Buffer): Buffer {
  const header = Buffer.alloc(4)
  header.writeUInt16LE(code, 0)
  header.writeUInt16LE(value.length, 2)
  return padded(Buffer.concat([header, value]))
}

function padded(bytes: Buffer): Buffer {
  const missing = -bytes.length & 3
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)])
}
