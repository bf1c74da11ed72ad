import { cutValue } from './comparison.js'
import type { FoundDifference } from './comparison.js'

/** Where two JSON values differ, by their structure: the order of names is no difference, that of items is. */
export function* jsonDifferences(was: unknown, now: unknown, path = '$'): Generator<FoundDifference> {
  if (Array.isArray(was) && Array.isArray(now)) {
    for (let index = 0; index < Math.max(was.length, now.length); index++) {
      yield* member(index < was.length, was[index], index < now.length, now[index], `${path}[${index}]`)
    }
  } else if (isObject(was) && isObject(now)) {
    for (const name of new Set([...Object.keys(was), ...Object.keys(now)])) {
      yield* member(Object.hasOwn(was, name), was[name], Object.hasOwn(now, name), now[name], `${path}${step(name)}`)
    }
  } else if (was !== now) {
    yield { field: `body ${path}`, was: told(was), now: told(now) }
  }
}

function* member(inWas: boolean, was: unknown, inNow: boolean, now: unknown, path: string): Generator<FoundDifference> {
  if (inWas && inNow) yield* jsonDifferences(was, now, path)
  else yield { field: `body ${path}`, was: inWas ? told(was) : null, now: inNow ? told(now) : null }
}

/**
 * Numbers of more digits than a double holds, in their order: two that differ read as the same value.
 * @param text of valid JSON.
 */
export function longNumbers(text: string): string[] {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g)].map(([token]) => token).filter((token) => !token.startsWith('"') && token.replaceAll(/\D/g, '').length > 15)
}

function told(value: unknown): string {
  return cutValue(JSON.stringify(value))
}

function step(name: string): string {
  return /^[A-Za-z_$][\w$-]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
