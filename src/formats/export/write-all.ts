import type { Writable } from 'node:stream'

/** Pieces are handed on in blocks of about so many bytes: a write for each would cost more than making them. */
const blockSize = 256 * 1024

/**
 * Writes what comes, no faster than it is taken, and doesn't end the stream.
 * @throws what the stream fails with.
 */
export async function writeAll(pieces: AsyncIterable<Buffer | string>, to: Writable): Promise<void> {
  let block: Buffer[] = []
  let text: string[] = []
  let size = 0
  const settle = (): void => {
    if (text.length > 0) block.push(Buffer.from(text.join('')))
    text = []
  }
  const flush = async (): Promise<void> => {
    settle()
    const whole = Buffer.concat(block)
    block = []
    size = 0
    if (whole.length > 0) await written(to, whole)
  }
  for await (const piece of pieces) {
    if (typeof piece === 'string') {
      text.push(piece)
    } else {
      settle()
      block.push(piece)
    }
    size += piece.length
    if (size >= blockSize) await flush()
  }
  await flush()
}

function written(to: Writable, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(bytes, (error) => error ? reject(error) : resolve())
  })
}
