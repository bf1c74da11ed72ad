/** A packet as a capture has it. `bytes` are a view into what was read of the file, and there during the call only. */
export interface CapturedPacket {
  /** Its place in its file, from 1. */
  readonly number: number
  /** Where its record begins in the file, with gzip undone. */
  readonly offset: number
  /** µs since the epoch. */
  readonly time: number
  /** As the pcap formats number them (LINKTYPE_…). */
  readonly linkType: number
  readonly bytes: Buffer
  /** Bytes that it had on the wire: more than `bytes` where the snapshot cut it. */
  readonly length: number
}

export interface CaptureSink {
  packet(packet: CapturedPacket): void
  /** Something that the reader of a summary should know, in words. */
  note(text: string): void
}

/** Takes a capture's bytes as they come, and tells its packets. */
export interface CaptureReader {
  /**
   * @param chunk may be written over once the next one was taken: what is kept longer is copied.
   * @throws BrokenCapture where the rest can't be read.
   */
  take(chunk: Buffer): void
  /** There is no more. @throws BrokenCapture where that is in the middle of a packet. */
  end(): void
}

/** The capture can't be read on from `offset` on: cut off there, or saying what can't be. */
export class BrokenCapture extends Error {
  override readonly name = 'BrokenCapture'
  /** Of the file, with gzip undone. */
  readonly offset: number
  /** The packet that would have been read next, from 1. */
  readonly packet: number

  constructor(offset: number, packet: number, why: string) {
    super(why)
    this.offset = offset
    this.packet = packet
  }
}

/** The largest snapshot that capturing programs take (libpcap's MAXIMUM_SNAPLEN). Some write a smaller one than they keep to. */
const usualSnapshot = 262_144

/** What a header may ask for at most: nothing on a wire is larger, and as much is held in memory. */
const largestSnapshot = 16 * 1024 * 1024

/** The longest packet that is believed of a capture with this snapshot limit. */
export function longestPacket(snapshot: number): number {
  return Math.min(Math.max(snapshot, usualSnapshot), largestSnapshot)
}
