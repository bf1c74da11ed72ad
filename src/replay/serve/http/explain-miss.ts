import type { Recording } from '../../../recording/recording.js'
import { firstJsonDifference } from '../../compare/json-difference.js'
import type { Difference } from '../miss.js'
import { headerText, recordedRequest } from './asked-request.js'
import type { AskedRequest } from './asked-request.js'
import { isMasked, isMaskedOtherwise } from './masked.js'
import { canonicalBody, canonicalQuery, comparesHost, nameOf } from './match-key.js'
import type { MatchRules } from './match-rules.js'

/** Recorded paths, each way, and requests that are looked at: a miss may take some time, but not any. */
const mostPaths = 5_000
const mostRequests = 200

/** Bytes of recorded bodies that are read for it. */
const mostRead = 2 * 1024 * 1024

/** Characters of a value that are told. */
const longest = 200
const longestLine = 500

/** The recorded request that comes closest to one that no recorded one matches, and each field that differs. */
export interface Closest {
  readonly id: number
  /** `GET /books?page=1`. */
  readonly text: string
  readonly differs: readonly Difference[]
  /** Fields of which the recorded value is masked, and of another length than what came. */
  readonly masked: readonly string[]
}

/** @returns null where nothing was recorded. */
export function closestTo(asked: AskedRequest, rules: MatchRules, recording: Recording, relays: readonly number[]): Closest | null {
  let best: Closest | null = null
  let read = 0
  const body = canonicalBody(asked, rules)
  for (const path of nearestPaths(asked.path, recording, relays)) {
    let looked = 0
    for (const { id, method, bodySize } of recording.requestLines(relays, path)) {
      if (method === null) continue
      // The first is always looked at: it has at least the path.
      if (++looked > mostRequests || (best !== null && read + bodySize > mostRead)) break
      read += bodySize
      const recorded = recordedRequest(recording, id)
      const differs = differencesOf(asked, recorded, rules, body)
      if (best !== null && weightOf(differs) >= weightOf(best.differs)) continue
      best = { id, text: lineOf(recorded), differs, masked: differs.filter(isBehindMask).map(({ field }) => field) }
    }
  }
  return best
}

export function lineOf({ method, path, query, host }: Pick<AskedRequest, 'method' | 'path' | 'query' | 'host'>): string {
  const line = method === 'CONNECT' ? `CONNECT ${host ?? ''}` : `${method} ${path}${query === null ? '' : `?${query}`}`
  return line.length <= longestLine ? line : `${line.slice(0, longestLine)}…`
}

/** Each compared field in which they differ. @param body the asked one's, as it is compared. */
function differencesOf(asked: AskedRequest, recorded: AskedRequest, rules: MatchRules, body: string): Difference[] {
  const found: Difference[] = []
  const add = (field: string, came: string | null, other: string | null): void => {
    if (came !== other) found.push({ field, came: short(came), recorded: short(other) })
  }
  if (rules.method) add('method', asked.method, recorded.method)
  if (rules.path && asked.method !== 'CONNECT') add('path', asked.path, recorded.path)
  if (comparesHost(asked, rules)) add('host', asked.host, recorded.host)
  for (const name of rules.headers) add(`header ${name}`, headerText(asked.headers, name), headerText(recorded.headers, name))
  if (canonicalQuery(asked.query, rules) !== canonicalQuery(recorded.query, rules)) found.push(...differencesOfQuery(asked.query, recorded.query, rules))
  if (body !== canonicalBody(recorded, rules)) found.push(differenceOfBody(asked, recorded, rules))
  return found
}

function differencesOfQuery(came: string | null, recorded: string | null, rules: MatchRules): Difference[] {
  const [ours, theirs] = [came, recorded].map((query) => canonicalQuery(query, rules).split('&').filter((pair) => pair !== ''))
  const names = [...new Set([...ours!, ...theirs!].map(nameOf))]
  const valueOf = (pairs: readonly string[], name: string): string | null => {
    const own = pairs.filter((pair) => nameOf(pair) === name)
    return own.length === 0 ? null : own.map((pair) => pair.slice(name.length + 1)).join(', ')
  }
  return names.flatMap((name) => {
    const [one, other] = [valueOf(ours!, name), valueOf(theirs!, name)]
    return one === other || (one !== null && other !== null && isMasked(other, one)) ? [] : [{ field: `query ${name}`, came: short(one), recorded: short(other) }]
  })
}

function differenceOfBody(asked: AskedRequest, recorded: AskedRequest, rules: MatchRules): Difference {
  const [one, other] = [asked.body.bytes, recorded.body.bytes]
  const sizes = { came: `${asked.body.size} bytes`, recorded: `${recorded.body.size} bytes` }
  if (one === null || other === null) return { field: 'body', ...sizes }
  const json = firstJsonDifference(one, other, rules.ignoredJson)
  if (json !== null) return { field: `body ${json.path}`, came: short(json.a), recorded: short(json.b) }
  let at = 0
  while (at < one.length && at < other.length && one[at] === other[at]) at++
  const around = (bytes: Buffer): string => short(bytes.toString('latin1', Math.max(0, at - 20), at + 60))!
  return { field: `body, from byte ${at} on`, came: around(one), recorded: around(other) }
}

/** Those that have most in common with it, the same path first. */
function nearestPaths(path: string, recording: Recording, relays: readonly number[]): string[] {
  const paths = recording.pathsAround(relays, path, mostPaths)
  if (paths.includes(path)) return [path]
  const own = path.split('/')
  const distance = (other: string): number => {
    const parts = other.split('/')
    let same = 0
    for (let at = 0; at < own.length && at < parts.length; at++) if (own[at] === parts[at]) same++
    let letters = 0
    while (letters < path.length && path[letters] === other[letters]) letters++
    const most = Math.min(path.length, other.length) - letters
    let ending = 0
    while (ending < most && path.at(-1 - ending) === other.at(-1 - ending)) ending++
    return -(same * 1000 - Math.abs(own.length - parts.length) * 100 + Math.min(letters + ending, 99))
  }
  return paths.map((other) => [distance(other), other] as const).sort(([one], [other]) => one - other).slice(0, 5).map(([, other]) => other)
}

function isBehindMask({ came, recorded }: Difference): boolean {
  return came !== null && recorded !== null && came.length !== recorded.length && isMaskedOtherwise(recorded, came)
}

/** A body of one byte more says less than another path; what can't be known says least. */
function weightOf(differs: readonly Difference[]): number {
  return differs.reduce((sum, differ) => sum + weightOfOne(differ), 0)
}

function weightOfOne(differ: Difference): number {
  const { field } = differ
  return isBehindMask(differ) ? 0.5 : (field === 'path' ? 8 : field === 'method' ? 4 : field.startsWith('body') ? 1 : 2)
}

function short(text: string | null): string | null {
  return text === null || text.length <= longest ? text : `${text.slice(0, longest)}…`
}
