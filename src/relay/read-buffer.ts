/** Large enough that a fast server fills few reads, small enough for thousands of connections: it is only touched as far as it is used. */
const size = 64 * 1024

/** Buffers kept for the next connection: 4 MiB. */
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
