/** Bytes of one copy: the allocator has memory of this size ready, and maps larger pieces anew, page by page. */
const largest = 64 * 1024

/** Copies of what was read into memory that is used again, in its order, in pieces of at most 64 KiB. */
export function copiesOf(bytes: Buffer): Buffer[] {
  const copies = []
  for (let from = 0; from < bytes.length; from += largest) {
    const until = Math.min(bytes.length, from + largest)
    const copy = Buffer.allocUnsafe(until - from)
    bytes.copy(copy, 0, from, until)
    copies.push(copy)
  }
  return copies
}
