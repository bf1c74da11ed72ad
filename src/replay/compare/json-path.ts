import { WiretapeError } from '../../error.js'
import { JsonObject, leftOut } from './json-text.js'
import type { JsonValue } from './json-text.js'

/** A place in a JSON value, with wildcards. */
export interface JsonPath {
  readonly text: string
  readonly steps: readonly JsonStep[]
}

type JsonStep =
  /** `.name`, `["name"]`, `[0]`; null is `.*` and `[*]`. */
  | { readonly kind: 'child', readonly name: string | null }
  /** `..name`: at any depth. */
  | { readonly kind: 'anywhere', readonly name: string }

const step = /^(?:\.\.([\w$-]+)|\.([\w$-]+|\*)|\[(\d+|\*)\]|\[(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\])/

/**
 * Reads `$.a.b`, `$.items[*].id`, `$["odd name"]`, `$..timestamp` (RFC 9535 without slices and filters).
 * @param option for the message. @throws WiretapeError `usage`.
 */
export function parseJsonPath(text: string, option: string): JsonPath {
  const steps: JsonStep[] = []
  let rest = text.startsWith('$') ? text.slice(1) : ''
  while (rest !== '') {
    const found = step.exec(rest)
    if (found === null) break
    const [all, anywhere, name, index, double, single] = found
    if (anywhere !== undefined) steps.push({ kind: 'anywhere', name: anywhere })
    else {
      const child = name ?? index ?? (double === undefined ? single : unquoted(double, option)) ?? ''
      steps.push({ kind: 'child', name: child === '*' && double === undefined && single === undefined ? null : child })
    }
    rest = rest.slice(all.length)
  }
  if (steps.length === 0 || rest !== '') throw new WiretapeError('usage', `${option}: expected a path such as $.timestamp, $.items[*].id or $..id`)
  return { text, steps }
}

/** With the escapes of JSON, as differences name such a place. */
function unquoted(name: string, option: string): string {
  try {
    return JSON.parse(`"${name}"`) as string
  } catch {
    throw new WiretapeError('usage', `${option}: "${name}" is no name in JSON's quotation`)
  }
}

/** The value without what is at these places; itself unchanged. */
export function withoutJson(value: unknown, paths: readonly JsonPath[]): unknown {
  return paths.reduce((left, { steps }) => without(left, steps), value)
}

function without(value: unknown, steps: readonly JsonStep[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  const [first, ...rest] = steps
  if (first === undefined) return value
  const entries = Object.entries(value).flatMap(([name, child]): [string, unknown][] => {
    if (first.kind === 'anywhere') {
      const under = without(child, steps)
      if (name !== first.name) return [[name, under]]
      return rest.length === 0 ? [] : [[name, without(under, rest)]]
    }
    if (first.name !== null && first.name !== name) return [[name, child]]
    return rest.length === 0 ? [] : [[name, without(child, rest)]]
  })
  return Array.isArray(value) ? entries.map(([, child]) => child) : Object.fromEntries(entries)
}

/** The value with a mark in the place of what is at these places: what stands beside it keeps its path. */
export function markJson(value: JsonValue, paths: readonly JsonPath[]): JsonValue {
  return paths.reduce<JsonValue>((left, { steps }) => mark(left, steps), value)
}

function mark(value: JsonValue, steps: readonly JsonStep[]): JsonValue {
  const [first, ...rest] = steps
  if (first === undefined) return leftOut
  const child = (name: string, under: JsonValue): JsonValue => {
    const deeper = first.kind === 'anywhere' ? mark(under, steps) : under
    return first.name === null || first.name === name ? mark(deeper, rest) : deeper
  }
  if (value instanceof JsonObject) return new JsonObject(value.members.map(([name, under]) => [name, child(name, under)]))
  return Array.isArray(value) ? (value as readonly JsonValue[]).map((under, index) => child(String(index), under)) : value
}

/** The same text for equal values, whatever the order of their names. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([name, child]) => `${JSON.stringify(name)}:${canonicalJson(child)}`).join(',')}}`
  }
  return JSON.stringify(value)
}
