import { BrokenCapture, longestPacket } from './captured-packet.js'
import type { CaptureReader, CaptureSink } from './captured-packet.js'
import { UnreadBytes } from './unread-bytes.js'

const globalHeaderSize = 24
const packetHeaderSize = 16

/** pcap with times in nanoseconds (magic a1b23c4d), which pcap-parser doesn't know. */
export class NanosecondPcap implements CaptureReader {
  readonly #sink: CaptureSink
  readonly #unread = new UnreadBytes()
  #begun = false
  #bigEndian = false
  #linkType = 0
  #longest = 0
  #number = 0

  constructor(sink: CaptureSink) {
    this.#sink = sink
  }

  take(chunk: Buffer): void {
    const unread = this.#unread
    unread.add(chunk)
    if (!this.#begun && !this.#begin()) return
    while (unread.length >= packetHeaderSize) {
      const header = unread.peek(packetHeaderSize)
      const captured = this.#u32(header, 8)
      if (captured > this.#longest) {
        throw new BrokenCapture(unread.offset, this.#number + 1, `a packet says that it has ${captured} bytes, of ${this.#longest} at most`)
      }
      if (unread.length < packetHeaderSize + captured) return
      const { offset } = unread
      unread.skip(packetHeaderSize)
      const bytes = unread.peek(captured)
      unread.skip(captured)
      this.#sink.packet({
        number: ++this.#number, offset, time: this.#u32(header, 0) * 1_000_000 + Math.floor(this.#u32(header, 4) / 1000),
        linkType: this.#linkType, bytes, length: Math.max(this.#u32(header, 12), captured),
      })
    }
  }

  end(): void {
    const { length, offset } = this.#unread
    if (length > 0) throw new BrokenCapture(offset, this.#number + 1, offset === 0 ? `it ends in its header, after ${length} bytes` : `it ends ${length} bytes into a packet's record`)
  }

  #begin(): boolean {
    if (this.#unread.length < globalHeaderSize) return false
    const header = this.#unread.peek(globalHeaderSize)
    this.#bigEndian = header[0] === 0xa1
    this.#longest = longestPacket(this.#u32(header, 16))
    this.#linkType = this.#u32(header, 20) & 0xffff
    this.#unread.skip(globalHeaderSize)
    return this.#begun = true
  }

  #u32(bytes: Buffer, at: number): number {
    return this.#bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)
  }
}
