import { createHash } from 'node:crypto'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/**
 * Numbers from 0 up to 1, of which all of a run's follow from its seed: each consumer has a generator of its own, so that no timing moves
 * a number from one to another.
 * @param key names the consumer: plugin and connection.
 */
function seededRandom(seed: number, key: string): () => number {
  const generator = xoroshiro128plus(createHash('sha256').update(`${seed}/${key}`).digest().readInt32LE(0))
  // 53 bits, all that a double has.
  return () => ((generator.next() >>> 5) * 0x400_0000 + (generator.next() >>> 6)) / 2 ** 53
}

/** The same, with a sequence for each name. */
export function seededSequences(seed: number, key: string): (sequence?: string) => number {
  const sequences = new Map<string, () => number>()
  return (name = '') => {
    let sequence = sequences.get(name)
    if (sequence === undefined) {
      sequence = seededRandom(seed, name === '' ? key : `${key}/${name}`)
      sequences.set(name, sequence)
    }
    return sequence()
  }
}
