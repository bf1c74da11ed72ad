export interface Packet {
  /** µs. */
  readonly time: number
  readonly bytes: Buffer
  /** On the wire, where the capture has less. */
  readonly length?: number
}

export interface PcapForm {
  readonly bigEndian?: boolean
  readonly nanoseconds?: boolean
  readonly linkType?: number
  readonly snapshot?: number
}

class Words {
  readonly #bigEndian: boolean

  constructor(bigEndian: boolean) {
    this.#bigEndian = bigEndian
  }

  u16(...values: number[]): Buffer {
    const bytes = Buffer.alloc(values.length * 2)
    values.forEach((value, n) => this.#bigEndian ? bytes.writeUInt16BE(value, n * 2) : bytes.writeUInt16LE(value, n * 2))
    return bytes
  }

  u32(...values: number[]): Buffer {
    const bytes = Buffer.alloc(values.length * 4)
    values.forEach((value, n) => this.#bigEndian ? bytes.writeUInt32BE(value, n * 4) : bytes.writeUInt32LE(value, n * 4))
    return bytes
  }
}

export function pcap(packets: readonly Packet[], { bigEndian = false, nanoseconds = false, linkType = 1, snapshot = 262_144 }: PcapForm = {}): Buffer {
  const words = new Words(bigEndian)
  const header = Buffer.concat([words.u32(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4), words.u16(2, 4), words.u32(0, 0, snapshot, linkType)])
  return Buffer.concat([header, ...packets.flatMap(({ time, bytes, length }) => [
    words.u32(Math.floor(time / 1_000_000), time % 1_000_000 * (nanoseconds ? 1000 : 1), bytes.length, length ?? bytes.length), bytes,
  ])])
}

/** A pcapng file, block by block. */
export class PcapngFile {
  readonly #blocks: Buffer[] = []
  #words = new Words(false)

  section(bigEndian = false): this {
    this.#words = new Words(bigEndian)
    return this.block(0x0a0d0d0a, Buffer.concat([this.#words.u32(0x1a2b3c4d), this.#words.u16(1, 0), this.#words.u32(0xffffffff, 0xffffffff)]))
  }

  /** @param resolution the option's byte: 6 for µs, 9 for ns, 0x80 | n for 2^-n s. @param offset seconds, of two's complement. */
  interface(linkType = 1, { resolution, offset, snapshot = 0 }: { resolution?: number, offset?: number | bigint, snapshot?: number } = {}): this {
    const options = [
      ...(resolution === undefined ? [] : [this.#words.u16(9, 1), Buffer.from([resolution, 0, 0, 0])]),
      ...(offset === undefined ? [] : [this.#words.u16(14, 8), this.#u64(BigInt(offset))]),
      this.#words.u16(0, 0),
    ]
    return this.block(1, Buffer.concat([this.#words.u16(linkType, 0), this.#words.u32(snapshot), ...options]))
  }

  /** @param ticks in the interface's resolution. */
  packet(on: number, ticks: bigint, bytes: Buffer, length = bytes.length): this {
    return this.block(6, Buffer.concat([this.#words.u32(on, Number(ticks >> 32n), Number(ticks & 0xffffffffn), bytes.length, length), padded(bytes)]))
  }

  obsoletePacket(on: number, ticks: bigint, bytes: Buffer): this {
    return this.block(2, Buffer.concat([this.#words.u16(on, 0), this.#words.u32(Number(ticks >> 32n), Number(ticks & 0xffffffffn), bytes.length, bytes.length), padded(bytes)]))
  }

  simplePacket(bytes: Buffer): this {
    return this.block(3, Buffer.concat([this.#words.u32(bytes.length), padded(bytes)]))
  }

  block(type: number, body: Buffer): this {
    const length = this.#words.u32(12 + body.length)
    this.#blocks.push(Buffer.concat([this.#words.u32(type), length, body, length]))
    return this
  }

  bytes(): Buffer {
    return Buffer.concat(this.#blocks)
  }

  #u64(value: bigint): Buffer {
    const [high, low] = [this.#words.u32(Number(value >> 32n)), this.#words.u32(Number(value & 0xffffffffn))]
    return this.#words.u16(1)[0] === 1 ? Buffer.concat([low, high]) : Buffer.concat([high, low])
  }
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
}
