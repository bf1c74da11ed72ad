import { WiretapeError, reasonOf } from '../error.js'

/**
 * Checks that the text is one SQL condition and nothing more, so that it can stand in parentheses inside a query of
 * ours: no second statement, no parenthesis that closes ours. What it may do besides is held by the connection, which is
 * read-only.
 * @throws WiretapeError `usage`.
 */
export function checkCondition(text: string): string {
  if (typeof text !== 'string') throw new WiretapeError('usage', '--where takes one SQL condition, once: join several with "and"')
  const complain = (why: string): WiretapeError =>
    new WiretapeError('usage', `--where ${text}: ${why}; expected one SQL condition, such as "status >= 500 and duration_ms > 200"`)
  if (text.trim() === '') throw complain('it is empty')
  if (text.includes('\0')) throw complain('it has a NUL character')
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (character === '(') depth++
    else if (character === ')' && --depth < 0) throw complain('it has a ")" without its "("')
    else if (character === ';') throw complain('it has a ";"')
    else if (character === '-' && text[at + 1] === '-') throw complain('it has a comment ("--")')
    else if (character === '/' && text[at + 1] === '*') throw complain('it has a comment ("/*")')
    else if (character === '\'' || character === '"' || character === '`' || character === '[') {
      const end = text.indexOf(character === '[' ? ']' : character, at + 1)
      if (end < 0) throw complain(`a ${character} is not closed`)
      at = end
    }
  }
  if (depth > 0) throw complain('it has a "(" without its ")"')
  return text
}

/** What the tables of FTP and DNS call what the timeline has for all protocols. */
const inTimeline: Readonly<Record<string, string>> = {
  verb: 'method', code: 'status', text: 'reason', argument: 'summary', latency_ms: 'duration_ms', name: 'host', opcode: 'method', rcode: 'reason',
}

/**
 * Words what SQLite says of a condition. A name that no column has is answered with the one that means the same, or the nearest.
 * @param columns what the condition may name.
 */
export function conditionError(text: string, cause: unknown, columns: readonly string[]): WiretapeError {
  const message = reasonOf(cause)
  const unknown = /no such column: "?([^"\s]+)"?/.exec(message)?.[1]
  if (unknown === undefined) return new WiretapeError('usage', `--where ${text}: ${message}`, { cause })
  const same = inTimeline[unknown.toLowerCase()]
  const near = same !== undefined && columns.includes(same) ? same : nearest(unknown, columns)
  return new WiretapeError('usage',
    `--where ${text}: there is no column ${unknown}${near === null ? '' : ` (did you mean ${near}?)`}; there are ${columns.join(', ')}`,
    { cause })
}

/** @returns the name that differs least, null where all differ in more than half of the word. */
export function nearest(word: string, names: readonly string[]): string | null {
  let best: { name: string, distance: number } | null = null
  for (const name of names) {
    const distance = editDistance(word.toLowerCase(), name.toLowerCase())
    if (distance <= Math.max(1, Math.floor(word.length / 2)) && (best === null || distance < best.distance)) best = { name, distance }
  }
  return best?.name ?? null
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
