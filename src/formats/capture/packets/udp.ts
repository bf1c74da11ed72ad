export interface UdpPacket {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Buffer
  /** Bytes of the payload that the capture cut off at its end. */
  readonly missing: number
}

const headerSize = 8

/** Header and payload in one IP packet. Where IP doesn't say its length, as segmentation offload leaves it, there could be more. */
const largest = { 4: 65_515, 6: 65_535 } as const

/** @param version of IP. @returns null where the header is cut, or the length can't be. */
export function readUdp(bytes: Buffer, missing: number, version: 4 | 6): UdpPacket | null {
  if (bytes.length < headerSize) return null
  const told = bytes.readUInt16BE(4)
  const length = told === 0 ? bytes.length + missing : told
  if (length < headerSize || length > bytes.length + missing || length > largest[version]) return null
  const payload = bytes.subarray(headerSize, Math.min(length, bytes.length))
  return { sourcePort: bytes.readUInt16BE(0), destinationPort: bytes.readUInt16BE(2), payload, missing: length - headerSize - payload.length }
}
