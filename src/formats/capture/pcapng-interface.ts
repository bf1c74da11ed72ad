const endOfOptions = 0
const timestampResolution = 9
const timestampOffset = 14

/** Where packets of a pcapng section were captured: link type, and how its times are told. */
export class PcapngInterface {
  readonly linkType: number
  /** 0 for no limit. */
  readonly snapshot: number
  /** Ticks a second. */
  #resolution = 1_000_000n
  /** Seconds. */
  #offset = 0n

  /** @param body of an interface description block. */
  constructor(body: Buffer, bigEndian: boolean) {
    const u16 = (at: number): number => bigEndian ? body.readUInt16BE(at) : body.readUInt16LE(at)
    this.linkType = u16(0)
    this.snapshot = bigEndian ? body.readUInt32BE(4) : body.readUInt32LE(4)
    for (let at = 8; at + 4 <= body.length;) {
      const code = u16(at)
      const length = u16(at + 2)
      const value = body.subarray(at + 4, at + 4 + length)
      if (code === endOfOptions || value.length < length) break
      if (code === timestampResolution && length >= 1) this.#resolution = resolutionOf(value[0]!)
      if (code === timestampOffset && length >= 8) this.#offset = bigEndian ? value.readBigInt64BE(0) : value.readBigInt64LE(0)
      at += 4 + ((length + 3) & ~3)
    }
  }

  /** @returns µs since the epoch; 0 for a time that no recording can hold. */
  time(high: number, low: number): number {
    const time = this.#resolution === 1_000_000n && this.#offset === 0n ? high * 2 ** 32 + low : this.#scaled((BigInt(high) << 32n) | BigInt(low))
    return Number.isSafeInteger(time) && time >= 0 ? time : 0
  }

  #scaled(ticks: bigint): number {
    return Number(ticks * 1_000_000n / this.#resolution + this.#offset * 1_000_000n)
  }
}

/** The highest bit tells whether it is a power of 2 or of 10. */
function resolutionOf(byte: number): bigint {
  const exponent = BigInt(byte & 0x7f)
  return (byte & 0x80) === 0 ? 10n ** exponent : 2n ** exponent
}
