import type { Direction } from '../../protocols/decoder.js'

/** The record that tells a datagram. */
export interface Told {
  /** Something else was sent on than the datagram. @param sent nothing where it was dropped. */
  changed(sent: Buffer): void
}

/** What makes messages of a session's datagrams. */
export interface DatagramReader {
  /** @returns what tells the datagram; null where nothing does, and it is a record of its own. */
  datagram(direction: Direction, bytes: Buffer, datagramId: number, time: number): Told | null
  /** A datagram that was sent without one that came: a plugin answered in the other side's stead. */
  supplied(direction: Direction, bytes: Buffer, time: number): void
  /** The session is over: whatever still waits for an answer has none. */
  close(time: number): void
}
