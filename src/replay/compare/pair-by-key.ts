import { Pairing } from './recorded-side.js'

export interface Pairs {
  /** In the order of the first. */
  readonly pairs: (readonly [a: number, b: number])[]
  readonly onlyA: readonly number[]
  readonly onlyB: readonly number[]
}

type Keyed = Iterable<readonly [key: string, id: number]>

/** Pairs the k-th with a key with the k-th with the same, and what is left then in its order: a conversation that went another way is still the same one. */
export function pairByKey(a: Keyed, b: Keyed): Pairs {
  const pairing = new Pairing()
  for (const [key, id] of b) pairing.add(key, id)
  const pairs: (readonly [number, number])[] = []
  const left: number[] = []
  for (const [key, id] of a) {
    const found = pairing.take(key)
    if (found === null) left.push(id)
    else pairs.push([id, found])
  }
  const others = pairing.left
  const both = Math.min(left.length, others.length)
  for (let at = 0; at < both; at++) pairs.push([left[at]!, others[at]!])
  return { pairs: pairs.sort(([first], [second]) => first - second), onlyA: left.slice(both), onlyB: others.slice(both) }
}
