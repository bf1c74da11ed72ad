/** In fewer bytes no chain of pointers is long enough to cost anything. */
export const longestUnchecked = 512

/** Encoders point at a name, or at the rest of one: chains as long as this are made to keep a decoder busy. */
const longestChain = 64

/** A name is no longer (RFC 1035 §2.3.4). */
const longestName = 255

/**
 * Pointers to pointers to pointers cost a decoder a walk for each name that ends there: 64 KiB of them take more than a
 * second. Any place can be where a name begins, so each is looked at once; those before it are known by then.
 * @throws Error where a name would jump more than 64 times.
 */
export function refuseLongChains(bytes: Buffer): void {
  const jumps = new Uint8Array(Math.min(bytes.length, 0x4000))
  for (let start = 0; start < bytes.length; start++) {
    const pointer = endOfLabels(bytes, start)
    if (pointer === null) continue
    const target = bytes.readUInt16BE(pointer) & 0x3fff
    if (target >= start) continue
    const chain = jumps[target]! + 1
    if (chain > longestChain) throw new Error(`not readable as DNS: more than ${longestChain} compression pointers in a row`)
    if (start < jumps.length) jumps[start] = chain
  }
}

/** @returns where the pointer stands that ends the name which begins at `start`; null where none does. */
function endOfLabels(bytes: Buffer, start: number): number | null {
  for (let at = start; at < bytes.length - 1 && at - start < longestName;) {
    const label = bytes[at]!
    if (label >= 0xc0) return at
    if (label === 0 || label > 63) return null
    at += label + 1
  }
  return null
}
