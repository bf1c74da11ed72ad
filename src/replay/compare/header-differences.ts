import type { HeaderFields } from '../../recording/rows.js'
import { cutValues } from './comparison.js'
import type { FoundDifference } from './comparison.js'

/**
 * Headers whose values differ, by name; the order of different names is no difference. Of cookies that are set only the names and attributes are compared:
 * their values are the session's.
 * @param kind `header` or `trailer`.
 */
export function* headerDifferences(was: HeaderFields, now: HeaderFields, ignored: ReadonlySet<string>, kind: string): Generator<FoundDifference> {
  const [a, b] = [byName(was, ignored), byName(now, ignored)]
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const [before, after] = [a.get(name) ?? null, b.get(name) ?? null]
    if (before !== after) yield { field: `${kind}:${name}`, ...cutValues(before, after) }
  }
}

function byName(fields: HeaderFields, ignored: ReadonlySet<string>): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of fields) {
    const lower = name.toLowerCase()
    if (ignored.has(lower)) continue
    const compared = lower === 'set-cookie' ? withoutCookieValue(value) : value
    const before = found.get(lower)
    // Lists may come as one field or as several (RFC 9110 §5.3).
    found.set(lower, before === undefined ? compared : `${before}, ${compared}`)
  }
  return found
}

/** An `Expires` counts from now, and so changes with it. */
function withoutCookieValue(value: string): string {
  return value.replace(/^([^=;]*)=[^;]*/, '$1=…').replace(/;\s*expires=[^;]*/i, '; Expires=…')
}
