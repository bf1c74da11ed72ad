import { createHash } from 'node:crypto'
import { contentEncoding } from '../../protocols/content/coding.js'
import { firstHeader } from '../../protocols/http1/index.js'
import { bodyUnknownEvent } from '../../recording/notes.js'
import type { HttpExchange } from '../../recording/rows.js'
import { bodyDifferences } from './body-differences.js'
import type { RecordedBody } from './body-differences.js'
import { bounded, lacking, outcomeOf } from './comparison.js'
import type { FoundDifference, Outcome } from './comparison.js'
import { headerDifferences } from './header-differences.js'
import type { Ignored } from './ignored.js'
import type { RecordedSide } from './recorded-side.js'
import type { Tally } from './tally.js'
import { Turns } from './turns.js'

type HttpSide = RecordedSide & { readonly unknownBodies: ReadonlySet<number> }

/** Compares the answers to equal requests: of the same method, target and body, the k-th of one with the k-th of the other. */
export async function compareExchanges(a: RecordedSide, b: RecordedSide, ignored: Ignored, tally: Tally): Promise<void> {
  const turns = new Turns()
  for (const [name, side] of [['a', a], ['b', b]] as const) {
    for (const exchange of exchangesOf(side)) turns.add(name, keyOf(side, exchange), { id: exchange.id, time: exchange.started, answered: exchange.status !== null })
  }
  const { pairs, onlyB } = turns.pair()
  const sides = { a: { ...a, unknownBodies: unknownBodiesIn(a) }, b: { ...b, unknownBodies: unknownBodiesIn(b) } }
  const swallowed = a.only !== null && b.asked === 'received' ? breaksWithoutRequest(b) : []
  let own = 0
  for (const [id, other] of pairs) {
    const exchange = a.recording.exchange(id)
    const named = { protocol: 'http' as const, a: id, b: other, asked: sentAs(a, exchange) }
    if (other === null) {
      const broke = swallowed.shift()
      if (broke === undefined) tally.only(named, 'request')
      else if (endOf(exchange) === 'none') tally.pair(named, 'same', [])
      else tally.pair(named, 'failed', [{ field: 'answer', was: told(exchange), now: `no response: ${broke}` }])
      continue
    }
    const now = b.recording.exchange(other)
    const [ownWas, ownNow] = [ownAnswer(a, exchange), ownAnswer(b, now)]
    if (ownWas && ownNow) {
      own++
      continue
    }
    if (ownWas || ownNow) {
      const by = (is: boolean, { status }: HttpExchange): string | null => is ? `answered by a plugin (${status})` : null
      tally.pair(named, 'uncompared', lacking(by(ownWas, exchange), by(ownNow, now)))
      continue
    }
    const { outcome, found } = await compareAnswers(sides.a, exchange, sides.b, now, ignored)
    if (outcome !== 'failed') tally.took(exchange.durationMs, now.durationMs)
    tally.pair(named, outcome, found)
  }
  for (const id of onlyB) {
    const exchange = b.recording.exchange(id)
    // One that was cut before its answer and sent again counts as what came of it.
    if (exchange.status === null && b.asked === 'received') continue
    tally.only({ protocol: 'http', a: null, b: id, asked: sentAs(b, exchange) }, 'request')
  }
  if (own > 0) tally.note(`${own} request${own === 1 ? ' was' : 's were'} answered by plugins in both, and not by a server: nothing of ${own === 1 ? 'it' : 'them'} is compared`)
}

/** Why connections broke that a server reset before their request was read: it was sent all the same, and whether it is in the recording is chance. */
function breaksWithoutRequest({ recording }: RecordedSide): string[] {
  return [...recording.connections({ where: "protocol = 'http' AND end_reason = 'server reset' AND messages = 0" })].map(({ error }) => error ?? 'server reset the connection')
}

/** The answer that the client got is a plugin's, and none came from a server. */
function ownAnswer({ recording }: RecordedSide, { id, changed, status }: HttpExchange): boolean {
  return changed && status !== null && recording.head(id, 'response').length === 0
}

/** What of the answer is missing in the recording, though it may have come; null where it is there as far as it came. */
function gapIn({ recording, unknownBodies }: HttpSide, { id, connectionId, error }: HttpExchange): string | null {
  if (unknownBodies.has(id)) return 'a body that is not known'
  if (error === null || !/^(?:exchange cut|no response): \d+ bytes /.test(error)) return null
  const { droppedUp, droppedDown } = recording.connection(connectionId)
  return droppedUp + droppedDown === 0 ? null : error.replace(/^[^:]*: /, '').replace(/;.*/, '')
}

/** Exchanges whose bodies are empty for want of knowing them. */
function unknownBodiesIn({ recording }: RecordedSide): ReadonlySet<number> {
  return new Set(function* () {
    for (const { messageId } of recording.events({ where: `kind = '${bodyUnknownEvent}'` })) if (messageId !== null) yield messageId
  }())
}

function* exchangesOf({ recording, connections, only }: RecordedSide): Generator<HttpExchange> {
  for (const exchange of recording.exchanges()) {
    if (exchange.method !== null && only?.has(exchange.id) !== false && connections?.has(exchange.connectionId) !== false) yield exchange
  }
}

/** In a line, as `wiretape ls` has it. */
export function askedOf({ method, host, path, query }: HttpExchange): string {
  return method === 'CONNECT' ? `CONNECT ${host ?? ''}` : `${method} ${path ?? ''}${query === null ? '' : `?${query}`}`
}

/** As the server was asked, where plugins made something else of it. */
function sentAs({ recording, asked }: RecordedSide, exchange: HttpExchange): string {
  if (!exchange.changed || asked === 'received') return askedOf(exchange)
  // The form of a target with a host in it is left out, as the row has it.
  const [method = '', target = ''] = recording.head(exchange.id, 'request', 'sent').toString('latin1').split('\r\n', 1)[0]!.split(' ')
  return target === '' ? askedOf(exchange) : `${method} ${target.replace(/^https?:\/\/[^/?]*/i, '')}`
}

function keyOf(side: RecordedSide, exchange: HttpExchange): string {
  const { recording, asked } = side
  const changed = exchange.changed && asked === 'sent'
  const line = sentAs(side, exchange)
  if (exchange.requestBodySize === 0 && !changed) return line
  const hash = createHash('sha256')
  let size = 0
  for (const { kind, bytes } of recording.messagePieces(exchange.id, 'request', changed ? 'sent' : 'received')) {
    if (kind !== 'body') continue
    hash.update(bytes)
    size += bytes.length
  }
  return size === 0 ? line : `${line} ${hash.digest('base64')}`
}

async function compareAnswers(a: HttpSide, was: HttpExchange, b: HttpSide, now: HttpExchange, ignored: Ignored): Promise<{ outcome: Outcome, found: FoundDifference[] }> {
  const [endWas, endNow] = [endOf(was), endOf(now)]
  const found = lacking(gapIn(a, was), gapIn(b, now))
  // What is there of it is still compared, but for how far it goes.
  if (found.length > 0) {
    if (endWas === 'none' || endNow === 'none') return { outcome: 'uncompared', found }
    found.push(...headDifferences(was, now, ignored))
    return { outcome: outcomeOf(found), found }
  }
  if (endWas !== endNow) found.push({ field: 'answer', was: told(was), now: told(now) })
  if (endNow === 'none' || endWas === 'none') {
    return { outcome: found.length === 0 ? 'same' : endNow === 'none' ? 'failed' : 'different', found }
  }
  found.push(...headDifferences(was, now, ignored))
  found.push(...bounded(headerDifferences(was.responseTrailers, now.responseTrailers, ignored.headers, 'trailer'), 'trailers'))
  // Two that were cut are the same as far as both go: where exactly that was is chance.
  const most = endWas === 'cut' && endNow === 'cut' ? Math.min(was.responseBodySize, now.responseBodySize) : Infinity
  if (!ignored.body) found.push(...await bodyDifferences(bodyOf(a, was, most), bodyOf(b, now, most), ignored.json))
  return { outcome: endNow === 'cut' && endWas === 'whole' ? 'failed' : found.length === 0 ? 'same' : 'different', found }
}

function* headDifferences(was: HttpExchange, now: HttpExchange, ignored: Ignored): Generator<FoundDifference> {
  if (!ignored.status && was.status !== now.status) yield { field: 'status', was: String(was.status), now: String(now.status) }
  yield* bounded(headerDifferences(was.responseHeaders, now.responseHeaders, ignored.headers, 'header'), 'headers')
}

/** How far the answer came. */
export function endOf({ status, error, ended }: HttpExchange): 'whole' | 'cut' | 'none' {
  return status === null ? 'none' : ended === null || (error !== null && !error.startsWith('request ')) ? 'cut' : 'whole'
}

function told(exchange: HttpExchange): string {
  return endOf(exchange) === 'whole' ? 'complete' : exchange.error ?? (exchange.status === null ? 'none' : 'not over yet')
}

/** @param most bytes of it. */
function bodyOf({ recording }: RecordedSide, exchange: HttpExchange, most: number): RecordedBody {
  return {
    size: Math.min(exchange.responseBodySize, most),
    contentType: firstHeader(exchange.responseHeaders, 'content-type') ?? null,
    contentEncoding: contentEncoding(exchange.responseHeaders),
    * pieces() {
      let left = most
      for (const { kind, bytes } of recording.messagePieces(exchange.id, 'response')) {
        if (kind !== 'body') continue
        yield bytes.subarray(0, left)
        left -= bytes.length
        if (left <= 0) return
      }
    },
  }
}
