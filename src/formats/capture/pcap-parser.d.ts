declare module 'pcap-parser' {
  import type { EventEmitter } from 'node:events'

  export interface PcapGlobalHeader {
    readonly majorVersion: number
    readonly minorVersion: number
    readonly snapshotLength: number
    readonly linkLayerType: number
  }

  export interface PcapPacketHeader {
    readonly timestampSeconds: number
    readonly timestampMicroseconds: number
    readonly capturedLength: number
    readonly originalLength: number
  }

  /** Tells `globalHeader`, `packetHeader`, `packetData`, `packet`, `error` and `end`. */
  export type PcapParser = EventEmitter

  /** @param input anything that emits `data` and `end`, and can be paused. */
  export function parse(input: EventEmitter & { pause(): void, resume(): void }): PcapParser
}
