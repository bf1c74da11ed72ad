/** One TCP segment. */
export interface TcpSegment {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  /** Null where the segment acknowledges nothing. */
  readonly acknowledged: number | null
  readonly syn: boolean
  readonly fin: boolean
  readonly rst: boolean
  readonly payload: Buffer
  /** Bytes of the payload that the capture cut off at its end. */
  readonly missing: number
}

/** @returns null where the header is cut or can't be one. */
export function readTcp(bytes: Buffer, missing: number): TcpSegment | null {
  if (bytes.length < 20) return null
  const headerSize = (bytes[12]! >> 4) * 4
  if (headerSize < 20 || headerSize > bytes.length) return null
  const flags = bytes[13]!
  return {
    sourcePort: bytes.readUInt16BE(0), destinationPort: bytes.readUInt16BE(2),
    sequence: bytes.readUInt32BE(4), acknowledged: (flags & 0x10) === 0 ? null : bytes.readUInt32BE(8),
    fin: (flags & 1) !== 0, syn: (flags & 2) !== 0, rst: (flags & 4) !== 0,
    payload: bytes.subarray(headerSize), missing,
  }
}
