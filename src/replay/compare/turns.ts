/** A request, as far as it matters for who is its counterpart. */
export interface Turn {
  readonly id: number
  /** µs, as recorded. */
  readonly time: number
  readonly answered: boolean
}

type Group = { readonly a: Turn[], readonly b: Turn[] }

/**
 * Finds the counterparts of requests that are known by the same key: the k-th of one recording with the k-th of the other, in the order of time. Where one
 * of them has more, those too many are rather such as got no answer while their turn is one that did: a request that met a close, and was sent again.
 */
export class Turns {
  readonly #groups = new Map<string, Group>()

  add(side: 'a' | 'b', key: string, turn: Turn): void {
    let group = this.#groups.get(key)
    if (group === undefined) this.#groups.set(key, group = { a: [], b: [] })
    group[side].push(turn)
  }

  /** Each of the first recording with its counterpart, or null where it has none, in the order of time; and what the second has besides. */
  pair(): { readonly pairs: readonly (readonly [a: number, b: number | null])[], readonly onlyB: readonly number[] } {
    const pairs: (readonly [Turn, number | null])[] = []
    const onlyB: Turn[] = []
    for (const { a, b } of this.#groups.values()) {
      a.sort(inTime)
      b.sort(inTime)
      let [atA, atB, spare] = [0, 0, b.length - a.length]
      while (atA < a.length && atB < b.length) {
        const [was, now] = [a[atA]!, b[atB]!]
        if (spare > 0 && was.answered && !now.answered) {
          onlyB.push(now)
          atB++
          spare--
        } else if (spare < 0 && !was.answered && now.answered) {
          pairs.push([was, null])
          atA++
          spare++
        } else {
          pairs.push([was, now.id])
          atA++
          atB++
        }
      }
      for (const was of a.slice(atA)) pairs.push([was, null])
      onlyB.push(...b.slice(atB))
    }
    return { pairs: pairs.sort(([first], [second]) => inTime(first, second)).map(([was, id]) => [was.id, id] as const), onlyB: onlyB.sort(inTime).map(({ id }) => id) }
  }
}

function inTime(one: Turn, other: Turn): number {
  return one.time - other.time || one.id - other.id
}
