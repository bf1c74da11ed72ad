import { canonicalJson, withoutJson } from './json-path.js'
import type { JsonPath } from './json-path.js'

export interface JsonDifference {
  /** `$.items[2].price`. */
  readonly path: string
  /** As JSON; null where there is nothing. */
  readonly a: string | null
  readonly b: string | null
}

/** Every place where two JSON values differ, up to `most`. The order of names says nothing, that of items does. */
export function jsonDifferences(a: unknown, b: unknown, most = 100, path = '$', found: JsonDifference[] = []): JsonDifference[] {
  if (found.length >= most || a === b) return found
  if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null && Array.isArray(a) === Array.isArray(b)) {
    const [ours, theirs] = [a as Record<string, unknown>, b as Record<string, unknown>]
    for (const name of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
      const place = Array.isArray(a) ? `${path}[${name}]` : /^[\w$-]+$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`
      if (!Object.hasOwn(ours, name)) found.push({ path: place, a: null, b: canonicalJson(theirs[name]) })
      else if (!Object.hasOwn(theirs, name)) found.push({ path: place, a: canonicalJson(ours[name]), b: null })
      else jsonDifferences(ours[name], theirs[name], most, place, found)
      if (found.length >= most) break
    }
    return found
  }
  if (canonicalJson(a) !== canonicalJson(b)) found.push({ path, a: canonicalJson(a), b: canonicalJson(b) })
  return found
}

/** The first one in two texts. @returns null where one of them is no JSON, or nothing differs. */
export function firstJsonDifference(a: Buffer, b: Buffer, ignored: readonly JsonPath[]): JsonDifference | null {
  try {
    const [one, other] = [a, b].map((bytes) => withoutJson(JSON.parse(bytes.toString()), ignored))
    return jsonDifferences(one, other, 1)[0] ?? null
  } catch {
    return null
  }
}
