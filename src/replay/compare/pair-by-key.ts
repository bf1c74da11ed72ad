export interface Pairs {
  /** In the order of the first. */
  readonly pairs: (readonly [a: number, b: number])[]
  readonly onlyA: readonly number[]
  readonly onlyB: readonly number[]
}

/** A conversation: what it is known by again, and when it began. */
export interface Keyed {
  readonly key: string
  readonly id: number
  /** µs, as recorded. */
  readonly began: number
}

/** Pairs the k-th with a key with the k-th with the same, and what is left then in its order: a conversation that went another way is still the same one. */
export function pairByKey(a: Iterable<Keyed>, b: Iterable<Keyed>): Pairs {
  const waiting = new Map<string, number[]>()
  const others = inTime(b)
  for (const { key, id } of others) {
    const ids = waiting.get(key)
    if (ids === undefined) waiting.set(key, [id])
    else ids.push(id)
  }
  for (const ids of waiting.values()) ids.reverse()
  const ours = inTime(a)
  const found = new Map<number, number>()
  for (const { key, id } of ours) {
    const other = waiting.get(key)?.pop()
    if (other !== undefined) found.set(id, other)
  }
  const taken = new Set(found.values())
  const left = ours.filter(({ id }) => !found.has(id)).map(({ id }) => id)
  const rest = others.filter(({ id }) => !taken.has(id)).map(({ id }) => id)
  const both = Math.min(left.length, rest.length)
  for (let at = 0; at < both; at++) found.set(left[at]!, rest[at]!)
  return { pairs: ours.filter(({ id }) => found.has(id)).map(({ id }) => [id, found.get(id)!] as const), onlyA: left.slice(both), onlyB: rest.slice(both) }
}

function inTime(all: Iterable<Keyed>): Keyed[] {
  return [...all].sort((one, other) => one.began - other.began || one.id - other.id)
}
