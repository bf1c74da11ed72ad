import { BrokenCapture, longestPacket } from './captured-packet.js'
import type { CaptureReader, CaptureSink } from './captured-packet.js'
import { PcapngInterface } from './pcapng-interface.js'
import { UnreadBytes } from './unread-bytes.js'

/*
 * draft-ietf-opsawg-pcapng: a file is blocks: type, total length, body, total length again. A section header begins a
 * section with its own byte order and its own interfaces.
 */
const sectionHeader = 0x0a0d0d0a
const interfaceDescription = 1
const obsoletePacket = 2
const simplePacket = 3
const enhancedPacket = 6

const byteOrderMagic = 0x1a2b3c4d

/** Type and length in front, length behind. */
const smallestBlock = 12

/** Blocks that are read are held whole; a packet and its comments. */
const largestBlock = 32 * 1024 * 1024

/** More interfaces than any machine has: a section that describes one after another costs no more memory than this. */
const mostInterfaces = 65_536

export class Pcapng implements CaptureReader {
  readonly #sink: CaptureSink
  readonly #unread = new UnreadBytes()
  #bigEndian = false
  #interfaces: PcapngInterface[] = []
  #number = 0
  /** Of the packet before: simple packets have no time. */
  #time = 0
  #timeless = false
  /** Bytes of an unknown block that are still to be passed over. */
  #skipping = 0
  /** Where that block begins. */
  #skipped = 0

  constructor(sink: CaptureSink) {
    this.#sink = sink
  }

  take(chunk: Buffer): void {
    this.#unread.add(chunk)
    while (this.#next());
  }

  end(): void {
    const { length, offset } = this.#unread
    const begins = this.#skipping > 0 ? this.#skipped : offset
    if (length > 0 || this.#skipping > 0) throw new BrokenCapture(begins, this.#number + 1, `it ends ${offset + length - begins} bytes into a block`)
  }

  #next(): boolean {
    const unread = this.#unread
    if (this.#skipping > 0) {
      const passed = Math.min(this.#skipping, unread.length)
      unread.skip(passed)
      this.#skipping -= passed
      if (this.#skipping > 0) return false
    }
    if (unread.length < smallestBlock) return false
    const head = unread.peek(smallestBlock)
    if (head.readUInt32BE(0) === sectionHeader) this.#section(head)
    const type = this.#u32(head, 0)
    const length = this.#u32(head, 4)
    if (length < smallestBlock || length % 4 !== 0) this.#break(`a block says that it is ${length} bytes long, which none can be`)
    if (!this.#isRead(type)) {
      this.#skipping = length
      this.#skipped = unread.offset
      return true
    }
    if (length > largestBlock) this.#break(`a block says that it is ${length} bytes long`)
    if (unread.length < length) return false
    const block = unread.peek(length)
    if (this.#u32(block, length - 4) !== length) this.#break(`a block is ${length} bytes long by its beginning, and ${this.#u32(block, length - 4)} by its end`)
    this.#block(type, block.subarray(8, length - 4))
    unread.skip(length)
    return true
  }

  /** The type reads the same in both byte orders; what follows the length tells which it is. */
  #section(head: Buffer): void {
    const bigEndian = head.readUInt32BE(8) === byteOrderMagic
    if (!bigEndian && head.readUInt32LE(8) !== byteOrderMagic) this.#break('a section doesn\'t say its byte order')
    this.#bigEndian = bigEndian
  }

  #isRead(type: number): boolean {
    return type === sectionHeader || type === interfaceDescription || type === enhancedPacket || type === obsoletePacket || type === simplePacket
  }

  #block(type: number, body: Buffer): void {
    switch (type) {
      case sectionHeader:
        this.#interfaces = []
        return
      case interfaceDescription:
        if (body.length < 8) this.#break('an interface description is too short')
        if (this.#interfaces.length >= mostInterfaces) this.#break(`a section has more than ${mostInterfaces} interfaces`)
        this.#interfaces.push(new PcapngInterface(body, this.#bigEndian))
        return
      case enhancedPacket:
        if (body.length < 20) this.#break('a packet block is too short')
        this.#packet(this.#u32(body, 0), this.#u32(body, 4), this.#u32(body, 8), this.#u32(body, 12), this.#u32(body, 16), body.subarray(20))
        return
      case obsoletePacket:
        if (body.length < 20) this.#break('a packet block is too short')
        this.#packet(this.#bigEndian ? body.readUInt16BE(0) : body.readUInt16LE(0), this.#u32(body, 4), this.#u32(body, 8), this.#u32(body, 12), this.#u32(body, 16), body.subarray(20))
        return
      case simplePacket:
        if (body.length < 4) this.#break('a packet block is too short')
        this.#simple(this.#u32(body, 0), body.subarray(4))
    }
  }

  #packet(on: number, high: number, low: number, captured: number, length: number, rest: Buffer): void {
    const description = this.#interfaceOf(on)
    if (captured > longestPacket(description.snapshot) || captured > rest.length) {
      this.#break(`a packet says that it has ${captured} bytes, and its block has room for ${rest.length}`)
    }
    this.#tell(description, description.time(high, low), rest.subarray(0, captured), length)
  }

  #simple(length: number, rest: Buffer): void {
    const description = this.#interfaceOf(0)
    if (!this.#timeless) this.#sink.note('it has packets without a time (simple packet blocks): they got that of the packet before')
    this.#timeless = true
    const captured = Math.min(length, rest.length, description.snapshot === 0 ? length : description.snapshot)
    this.#tell(description, this.#time, rest.subarray(0, captured), length)
  }

  #interfaceOf(ordinal: number): PcapngInterface {
    const found = this.#interfaces[ordinal]
    if (found === undefined) this.#break(`a packet is of interface ${ordinal}, which its section doesn't describe`)
    return found
  }

  #tell({ linkType }: PcapngInterface, time: number, bytes: Buffer, length: number): void {
    this.#time = time
    this.#sink.packet({ number: ++this.#number, offset: this.#unread.offset, time, linkType, bytes, length: Math.max(length, bytes.length) })
  }

  #u32(bytes: Buffer, at: number): number {
    return this.#bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)
  }

  #break(why: string): never {
    throw new BrokenCapture(this.#unread.offset, this.#number + 1, why)
  }
}
