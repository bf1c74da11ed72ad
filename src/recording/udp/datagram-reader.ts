import type { Direction } from '../../protocols/decoder.js'

/** What makes messages of a session's datagrams. */
export interface DatagramReader {
  datagram(direction: Direction, bytes: Buffer, datagramId: number, time: number): void
  /** The session is over: whatever still waits for an answer has none. */
  close(time: number): void
}
