import { cutValues } from './comparison.js'
import type { FoundDifference } from './comparison.js'
import { JsonNumber, JsonObject, leftOut, writeJson } from './json-text.js'
import type { JsonValue } from './json-text.js'

/** What is in one place of two documents: a value, none, or several where a name comes more than once. */
interface Place {
  readonly was: readonly JsonValue[]
  readonly now: readonly JsonValue[]
  readonly path: string
}

/**
 * Where two JSON values differ, by their structure: the order of names is no difference, that of items is, and how often a name comes. Each value is looked
 * at once, and what is open is kept in a list: depth costs neither time nor stack.
 */
export function* jsonDifferences(was: JsonValue, now: JsonValue): Generator<FoundDifference> {
  const open: Iterator<Place>[] = [one({ was: [was], now: [now], path: '$' })]
  while (open.length > 0) {
    const next = open.at(-1)!.next()
    if (next.done === true) {
      open.pop()
      continue
    }
    const { was, now, path } = next.value
    if (was.includes(leftOut) || now.includes(leftOut)) continue
    if (was.length !== now.length) yield difference(next.value)
    else if (was.length > 1) open.push(oneByOne(next.value))
    else if (isArray(was[0]!) && isArray(now[0]!)) open.push(items(was[0], now[0], path))
    else if (was[0] instanceof JsonObject && now[0] instanceof JsonObject) open.push(members(was[0], now[0], path))
    else if (!same(was[0]!, now[0]!)) yield difference(next.value)
  }
}

function* one(place: Place): Generator<Place> {
  yield place
}

function* oneByOne({ was, now, path }: Place): Generator<Place> {
  for (const [at, value] of was.entries()) yield { was: [value], now: [now[at]!], path: at === 0 ? path : `${path} (${at + 1})` }
}

function* items(was: readonly JsonValue[], now: readonly JsonValue[], path: string): Generator<Place> {
  for (let index = 0; index < Math.max(was.length, now.length); index++) {
    if (index < was.length && index < now.length && same(was[index]!, now[index]!)) continue
    yield { was: was.slice(index, index + 1), now: now.slice(index, index + 1), path: `${path}[${index}]` }
  }
}

function* members(was: JsonObject, now: JsonObject, path: string): Generator<Place> {
  const [before, after] = [was.byName, now.byName]
  for (const [name, values] of before) {
    const others = after.get(name) ?? []
    if (values.length !== 1 || others.length !== 1 || !same(values[0]!, others[0]!)) yield { was: values, now: others, path: `${path}${step(name)}` }
  }
  for (const [name, values] of after) if (!before.has(name)) yield { was: [], now: values, path: `${path}${step(name)}` }
}

/** Known to be equal without looking into them. */
function same(was: JsonValue, now: JsonValue): boolean {
  return was === now || (was instanceof JsonNumber && now instanceof JsonNumber && was.equals(now))
}

function difference({ was, now, path }: Place): FoundDifference {
  return { field: `body ${path}`, ...cutValues(told(was), told(now)) }
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
