/** Ms for which pieces may follow one another before everything else has its turn. */
const longest = 2

/** So many pieces are never too many: what a usual message is made of goes out together. */
const fewest = 64

/** The turn of the event loop in which pieces pass now; null where none has passed yet. */
let current: { readonly began: number, readonly over: Promise<void>, pieces: number } | null = null

/**
 * Promises alone never let the event loop go on: a generator that has a million pieces ready would keep all other connections waiting until the
 * last of them is through. To be asked for each piece.
 * @returns what to wait for before the next one; null where there is time left.
 */
export function turnOver(): Promise<void> | null {
  // One end for all of them: each by itself would have its time after the others', and the turn would be as long as there are streams.
  current ??= {
    began: performance.now(), pieces: 0,
    over: new Promise((resolve) => {
      setImmediate(() => {
        current = null
        resolve()
      })
    }),
  }
  return ++current.pieces <= fewest || performance.now() - current.began < longest ? null : current.over
}
