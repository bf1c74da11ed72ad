import { EventEmitter } from 'node:events'
import { parse } from 'pcap-parser'
import type { PcapGlobalHeader, PcapPacketHeader } from 'pcap-parser'
import { BrokenCapture, longestPacket } from './captured-packet.js'
import type { CaptureReader, CaptureSink } from './captured-packet.js'

const globalHeaderSize = 24
const packetHeaderSize = 16

/**
 * Classic pcap by pcap-parser, which believes every length (and would gather gigabytes for one that lies) and doesn't mind
 * where the file ends. It hands out each header before it waits for the packet: what is thrown there comes back out of
 * `take`, as its input is ours, and it is never called again.
 */
export class ClassicPcap implements CaptureReader {
  readonly #input = Object.assign(new EventEmitter(), { pause: () => {}, resume: () => {} })
  readonly #sink: CaptureSink
  #linkType = 0
  #longest = 0
  #number = 0
  /** Bytes given to the parser, and those that it has made packets of. */
  #given = 0
  #told = 0

  constructor(sink: CaptureSink) {
    this.#sink = sink
    const parser = parse(this.#input)
    parser.on('globalHeader', (header: PcapGlobalHeader) => this.#begin(header))
    parser.on('packetHeader', (header: PcapPacketHeader) => this.#check(header))
    parser.on('packet', ({ header, data }: { header: PcapPacketHeader, data: Buffer }) => this.#packet(header, data))
    parser.on('error', (error: Error) => { throw new BrokenCapture(this.#told, this.#number + 1, error.message) })
  }

  take(chunk: Buffer): void {
    this.#given += chunk.length
    this.#input.emit('data', chunk)
  }

  end(): void {
    const left = this.#given - this.#told
    if (left === 0) return
    throw new BrokenCapture(this.#told, this.#number + 1, this.#told === 0 ? `it ends in its header, after ${left} bytes` : `it ends ${left} bytes into a packet's record`)
  }

  #begin({ majorVersion, minorVersion, snapshotLength, linkLayerType }: PcapGlobalHeader): void {
    if (majorVersion !== 2) throw new BrokenCapture(0, 1, `it is pcap version ${majorVersion}.${minorVersion}, and only 2 is known`)
    // The upper bits tell of checksums at the end of frames.
    this.#linkType = linkLayerType & 0xffff
    this.#longest = longestPacket(snapshotLength)
    this.#told = globalHeaderSize
  }

  #check({ capturedLength }: PcapPacketHeader): void {
    if (capturedLength > this.#longest) {
      throw new BrokenCapture(this.#told, this.#number + 1, `a packet says that it has ${capturedLength} bytes, of ${this.#longest} at most`)
    }
  }

  #packet({ timestampSeconds, timestampMicroseconds, capturedLength, originalLength }: PcapPacketHeader, bytes: Buffer): void {
    const offset = this.#told
    this.#told += packetHeaderSize + capturedLength
    this.#sink.packet({
      number: ++this.#number, offset, time: timestampSeconds * 1_000_000 + timestampMicroseconds,
      linkType: this.#linkType, bytes, length: Math.max(originalLength, capturedLength),
    })
  }
}
