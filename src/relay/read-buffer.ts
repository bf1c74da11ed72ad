/**
 * Large enough that a fast server fills few reads (64 KiB took a third more of the processor), and such that a recorder's slab holds two of them with
 * their headers. For thousands of connections too: memory is only touched as far as it is used.
 */
const size = 256 * 1024 - 64

/** Buffers kept for the next connection: 16 MiB. */
const mostKept = 64

const kept: Buffer[] = []

/** A buffer for a connection's reads. Short connections follow each other fast: new memory for each was a tenth of an FTP transfer's work. */
export function takeReadBuffer(): Buffer {
  return kept.pop() ?? Buffer.allocUnsafeSlow(size)
}

/** @param buffer nothing reads or writes it any more: no read is under way, no write waits with a piece of it. */
export function returnReadBuffer(buffer: Buffer): void {
  if (kept.length < mostKept) kept.push(buffer)
}
