import { isDeepStrictEqual } from 'node:util'

/** Each field that isn't the same in rows of one kind, as `exchanges 3 status: 200 → null`. */
export function differences(kind: string, before: Iterable<object>, after: Iterable<object>, without: ReadonlySet<string> = new Set()): string[] {
  const [were, are] = [[...before], [...after]] as Record<string, unknown>[][] as [Record<string, unknown>[], Record<string, unknown>[]]
  if (were.length !== are.length) return [`${kind}: ${were.length} → ${are.length}`]
  return were.flatMap((row, place) => Object.entries(row)
    .filter(([key, value]) => !without.has(key) && !isDeepStrictEqual(value, are[place]![key]))
    .map(([key, value]) => `${kind} ${place} ${key}: ${JSON.stringify(value)} → ${JSON.stringify(are[place]![key])}`))
}
