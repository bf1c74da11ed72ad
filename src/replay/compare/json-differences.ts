import { cutValues } from './comparison.js'
import type { FoundDifference } from './comparison.js'
import { JsonNumber, JsonObject, leftOut, writeJson } from './json-text.js'
import type { JsonValue } from './json-text.js'

/** Where two JSON values differ, by their structure: the order of names is no difference, that of items is, and how often a name comes. */
export function* jsonDifferences(was: JsonValue, now: JsonValue, path = '$'): Generator<FoundDifference> {
  if (was === leftOut || now === leftOut || alike(was, now)) return
  if (isArray(was) && isArray(now)) {
    for (let index = 0; index < Math.max(was.length, now.length); index++) yield* member(was.slice(index, index + 1), now.slice(index, index + 1), `${path}[${index}]`)
  } else if (was instanceof JsonObject && now instanceof JsonObject) {
    const [before, after] = [was.byName, now.byName]
    for (const name of new Set([...before.keys(), ...after.keys()])) yield* member(before.get(name) ?? [], after.get(name) ?? [], `${path}${step(name)}`)
  } else if (was instanceof JsonNumber && now instanceof JsonNumber ? !was.equals(now) : was !== now) {
    yield { field: `body ${path}`, ...cutValues(told([was]), told([now])) }
  }
}

/** Equal in the same order: most of what is compared, and quickly passed over. */
function alike(was: JsonValue, now: JsonValue): boolean {
  if (was === now) return true
  if (isArray(was) && isArray(now)) return was.length === now.length && was.every((child, index) => alike(child, now[index]!))
  if (was instanceof JsonObject && now instanceof JsonObject) {
    return was.members.length === now.members.length && was.members.every(([name, child], index) => now.members[index]![0] === name && alike(child, now.members[index]![1]))
  }
  return was instanceof JsonNumber && now instanceof JsonNumber && was.equals(now)
}

/** What is in one place: a value, none, or several where a name comes more than once. */
function* member(was: readonly JsonValue[], now: readonly JsonValue[], path: string): Generator<FoundDifference> {
  if (was.includes(leftOut) || now.includes(leftOut)) return
  if (was.length !== now.length) yield { field: `body ${path}`, ...cutValues(told(was), told(now)) }
  else for (const [at, value] of was.entries()) yield* jsonDifferences(value, now[at]!, at === 0 ? path : `${path} (${at + 1})`)
}

function told(values: readonly JsonValue[]): string | null {
  return values.length === 0 ? null : values.map(writeJson).join(' and again ')
}

function step(name: string): string {
  return /^[A-Za-z_$][\w$-]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
