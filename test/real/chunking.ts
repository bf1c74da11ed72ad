/** The bytes cut at these places, in any order. */
export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  let from = 0
  for (const place of [...places].sort((a, b) => a - b)) {
    pieces.push(bytes.subarray(from, place))
    from = place
  }
  pieces.push(bytes.subarray(from))
  return pieces.filter((piece) => piece.length > 0)
}

/** Numbers that look random and are the same in every run (mulberry32), from 0 up to 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The bytes in pieces of random length, most of them short and some long. */
export function randomPieces(bytes: Buffer, random: () => number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const length = 1 + Math.floor(random() ** 4 * (random() < 0.5 ? 100 : bytes.length))
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return pieces
}
