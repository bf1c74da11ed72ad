import type { Recording, RequestLine } from '../../../recording/recording.js'
import type { After } from '../stand-in.js'
import { headerText, recordedRequest } from './asked-request.js'
import type { AskedRequest } from './asked-request.js'
import { isMasked } from './masked.js'
import { canonicalBody, canonicalFields, canonicalQuery } from './match-key.js'
import type { MatchRules } from './match-rules.js'

/** A recorded request, and what it is compared by once that was asked for. */
type Candidate = { readonly line: RequestLine, rest: string | null }

/** Those to one path, by method and query. */
type Group = ReadonlyMap<string, readonly Candidate[]>

/** Most candidates whose bodies are read to find one that was masked. */
const mostMasked = 100

/** The exchange that answers a request, and all that answer an equal one: the same list for as long as no more is recorded; or why none does. */
export type Found = { readonly id: number, readonly equal: readonly number[] } | { readonly missing: 'unknown' } | { readonly missing: 'exhausted', readonly last: number }

export interface RecordedRequestsOptions {
  readonly recording: Recording
  readonly relays: readonly number[]
  readonly rulesFor: (path: string) => MatchRules
  readonly after: After
  /** Whether an exchange can be given; asked for those that didn't end well. */
  readonly isWhole: (id: number) => boolean
  /** Leaves out what is still being recorded: it will be there later. */
  readonly onlyEnded: boolean
  /** Exchanges with larger ids were given to a client as they were recorded. */
  readonly newest: number
}

/** Answers to a condition (RFC 9110 §13) or to a range (§14): nothing for who asked without. */
const conditional: ReadonlySet<number | null> = new Set([304, 412])
const partial: ReadonlySet<number | null> = new Set([206, 416])

/** The recorded requests of some relays, found by rules. What was asked for once is remembered, the rest stays in the file. */
export class RecordedRequests {
  readonly #options: RecordedRequestsOptions
  readonly #groups = new Map<MatchRules, Map<string, Group>>()
  /** The equal ones, in their order, by all that they are compared by. */
  readonly #episodes = new Map<string, readonly number[]>()
  readonly #given = new Map<string, number>()
  /** Rules in the order in which they were first asked for: a part of the keys. */
  readonly #rules: MatchRules[] = []

  constructor(options: RecordedRequestsOptions) {
    this.#options = options
  }

  /** The next one of the equal recorded ones. */
  next(request: AskedRequest): Found {
    const found = this.#next(request, true)
    if ('id' in found || request.method !== 'HEAD') return found
    // A GET's head is the answer (RFC 9110 §9.3.2), and it isn't used up by that.
    const asGet = this.#next({ ...request, method: 'GET' }, false)
    return 'id' in asGet ? asGet : found
  }

  /** More was recorded: it is looked for anew, and what was given stays given. @param relays those that count from now on. */
  grown(relays: readonly number[]): RecordedRequests {
    const grown = new RecordedRequests({ ...this.#options, relays })
    grown.#rules.push(...this.#rules)
    for (const [key, count] of this.#given) grown.#given.set(key, Math.min(count, this.#episodes.get(key)?.length ?? count))
    return grown
  }

  #next(request: AskedRequest, counts: boolean): Found {
    const rules = this.#options.rulesFor(request.path)
    const line = lineKey(request.method, request.query, rules)
    const rest = restKey(request, rules)
    const want = wantOf(request)
    const key = `${this.#numberOf(rules)}\n${rules.path ? request.path : ''}\n${line}\n${want.for}${want.range ?? ''}\n${rest}`
    let ids = this.#episodes.get(key)
    if (ids === undefined) {
      ids = this.#wholeOnes(this.#matching(request, rules, want, line, rest))
      if (ids.length === 0) return { missing: 'unknown' }
      this.#episodes.set(key, ids)
    }
    const { after, newest } = this.#options
    const given = this.#given.get(key) ?? 0
    const fresh = given < ids.length && ids[given]! <= newest
    if (!fresh && after === 'miss') return { missing: 'exhausted', last: ids.at(-1)! }
    if (counts) this.#given.set(key, given + 1)
    return { id: fresh || after === 'cycle' ? ids[given % ids.length]! : ids.at(-1)!, equal: ids }
  }

  #matching(request: AskedRequest, rules: MatchRules, want: Want, line: string, rest: string): readonly Candidate[] {
    const group = this.#group(rules, request.path)
    const exact = group.get(line)?.filter((candidate) => this.#restOf(candidate, rules) === rest) ?? []
    const found = exact.length > 0 ? exact : this.#masked(group, request, rules, line)
    const isFor = (statuses: ReadonlySet<number | null>): readonly Candidate[] => found.filter((candidate) => statuses.has(candidate.line.status))
    const plain = found.filter(({ line: { status } }) => !conditional.has(status) && !partial.has(status))
    switch (want.for) {
      case 'condition': return isFor(conditional).length > 0 ? isFor(conditional) : plain
      case 'range': {
        const { range } = want
        const same = isFor(partial).filter((candidate) => headerText(this.#options.recording.exchange(candidate.line.id).requestHeaders, 'range') === range)
        return same.length > 0 ? same : plain
      }
      default: return plain
    }
  }

  /** What kept secrets out of the recording kept the lengths. */
  #masked(group: Group, request: AskedRequest, rules: MatchRules, line: string): readonly Candidate[] {
    const { recording } = this.#options
    const body = rules.body ? request.body.bytes?.toString('latin1') ?? null : ''
    const fields = canonicalFields(request, rules)
    const found: Candidate[] = []
    let read = 0
    for (const [recorded, candidates] of group) {
      if (recorded !== line && !isMasked(recorded, line)) continue
      for (const candidate of candidates) {
        if (rules.body && candidate.line.bodySize !== request.body.size) continue
        if (++read > mostMasked) break
        const other = recordedRequest(recording, candidate.line.id)
        const otherBody = rules.body ? other.body.bytes?.toString('latin1') ?? null : ''
        if (body !== null && otherBody !== null && isSame(otherBody, body) && isSame(canonicalFields(other, rules), fields)) found.push(candidate)
      }
    }
    return found.sort((one, other) => one.line.id - other.line.id)
  }

  #group(rules: MatchRules, path: string): Group {
    const { recording, relays, rulesFor, onlyEnded } = this.#options
    const own = rules.path ? path : ''
    let groups = this.#groups.get(rules)
    if (groups === undefined) {
      groups = new Map()
      this.#groups.set(rules, groups)
    }
    const known = groups.get(own)
    if (known !== undefined) return known
    const group = new Map<string, Candidate[]>()
    for (const line of recording.requestLines(relays, rules.path ? path : null)) {
      if (line.method === null || line.path === null || (onlyEnded && !line.ended)) continue
      // Whatever of the path is compared, a route is for its own paths.
      if (!rules.path && rulesFor(line.path) !== rules) continue
      const key = lineKey(line.method, line.query, rules)
      const same = group.get(key)
      if (same === undefined) group.set(key, [{ line, rest: null }])
      else same.push({ line, rest: null })
    }
    // Paths that nobody recorded may be asked for without end.
    if (group.size > 0) groups.set(own, group)
    return group
  }

  #restOf(candidate: Candidate, rules: MatchRules): string {
    const { recording } = this.#options
    candidate.rest ??= candidate.line.bodySize === 0 && candidate.line.method !== 'CONNECT' && !rules.host && rules.headers.length === 0 ? '' : restKey(recordedRequest(recording, candidate.line.id), rules)
    return candidate.rest
  }

  /** An answer that isn't whole is none, where there is another. */
  #wholeOnes(candidates: readonly Candidate[]): readonly number[] {
    const ids = candidates.map(({ line }) => line.id)
    if (candidates.every(({ line }) => line.error === null && line.ended)) return ids
    const whole = candidates.filter(({ line }) => (line.error === null && line.ended) || this.#options.isWhole(line.id))
    return whole.length === 0 ? ids : whole.map(({ line }) => line.id)
  }

  #numberOf(rules: MatchRules): number {
    const known = this.#rules.indexOf(rules)
    return known >= 0 ? known : this.#rules.push(rules) - 1
  }
}

/** What kind of answer a request asks for. */
interface Want {
  readonly for: 'all' | 'condition' | 'range'
  readonly range: string | null
}

const wantsAll: Want = { for: 'all', range: null }
const wantsOnCondition: Want = { for: 'condition', range: null }

function wantOf({ headers }: AskedRequest): Want {
  let wants = wantsAll
  for (const [name] of headers) {
    if (/^range$/i.test(name)) return { for: 'range', range: headerText(headers, 'range') }
    if (/^if-(?:none-match|match|modified-since|unmodified-since)$/i.test(name)) wants = wantsOnCondition
  }
  return wants
}

function isSame(recorded: string, came: string): boolean {
  return recorded === came || isMasked(recorded, came)
}

function lineKey(method: string, query: string | null, rules: MatchRules): string {
  // What answers a HEAD has no body, and answers nothing else.
  return `${rules.method || method === 'HEAD' ? method : ''} ${canonicalQuery(query, rules)}`
}

function restKey(request: AskedRequest, rules: MatchRules): string {
  const body = canonicalBody(request, rules)
  const fields = canonicalFields(request, rules)
  return fields === '' ? body : `${fields}\n${body}`
}
