import { firstHeader } from '../../../protocols/http1/index.js'
import type { Recording } from '../../../recording/recording.js'
import type { HttpExchange } from '../../../recording/rows.js'
import { askedOf, endOf } from '../../compare/http-exchanges.js'
import type { RecordedAnswer } from '../answer-limits.js'
import { MaskedPlaces } from '../../masked-places.js'
import type { SenderOptions } from '../sender.js'
import { maskedIn } from './masked-request.js'

/** Ms. */
export const httpPatience = 30_000

/** A request that is to be sent. Its bytes stay in the recording until then. */
export interface PlannedRequest {
  readonly id: number
  readonly connection: number
  readonly method: string
  /** Something else reached the server than the client had sent. */
  readonly changed: boolean
  /** Bytes of the answer's body after which the client had left; null where it hadn't. */
  readonly enough: number | null
  /** Ms after which the client had left without a byte of an answer; null where it hadn't. */
  readonly waited: number | null
  readonly answer: RecordedAnswer
  /** µs, as recorded. */
  readonly began: number
  readonly over: number
}

/** The recorded requests in their order, without those that can't be sent, which are told of. */
export function planRequests({ recording, chosen, settings, run }: SenderOptions): PlannedRequest[] {
  const planned: PlannedRequest[] = []
  const masked = new Map<string, number>()
  const places = new MaskedPlaces(recording, 'up')
  // Whose answers may have no end: a stream of events that the client left, or that the relay's own end cut.
  const left = new Set<number>()
  // Whose clients were waiting when it ended: by themselves, or as recording ended.
  const gaveUp = new Map<number, 'client' | 'relay'>()
  for (const { id, endReason } of recording.connections({ where: "protocol = 'http'" })) {
    if (endReason?.startsWith('server ') !== true) left.add(id)
    const by = /^(client|relay) /.exec(endReason ?? '')?.[1]
    if (by !== undefined) gaveUp.set(id, by as 'client' | 'relay')
  }
  for (const connection of recording.connections({ where: 'dropped_up > 0' })) {
    if (chosen.connections.has(connection.id)) run.skip({ id: connection.id, asked: 'connection', reason: `${connection.droppedUp} bytes of its requests weren't recorded: the disk was too slow` })
  }
  for (const exchange of recording.exchanges(settings.where === undefined ? {} : { where: settings.where })) {
    if (!chosen.connections.has(exchange.connectionId)) continue
    const method = exchange.changed ? recording.head(exchange.id, 'request', 'sent').toString('latin1').split(' ', 1)[0]! : exchange.method!
    const { headers, reason: hidden } = maskedIn(exchange, recording, places, settings.hostOfTarget)
    const reason = whyNot(exchange) ?? (method === '' ? 'it never reached its server' : null) ?? (settings.sendMasked ? null : hidden)
    if (reason === null) {
      for (const name of headers) masked.set(name, (masked.get(name) ?? 0) + 1)
      const end = endOf(exchange)
      planned.push({
        id: exchange.id, connection: exchange.connectionId, method, changed: exchange.changed, enough: end === 'cut' && left.has(exchange.connectionId) ? exchange.responseBodySize : null,
        waited: end === 'none' ? waitedFor(exchange, gaveUp.get(exchange.connectionId), settings.patience ?? httpPatience) : null, answer: answerTo(exchange, recording), began: exchange.started, over: exchange.ended ?? exchange.started,
      })
    } else {
      run.skip({ id: exchange.id, asked: exchange.method === null ? 'answer without a request' : askedOf(exchange), reason })
    }
  }
  for (const [name, count] of masked) {
    run.notes.push(`${count} request${count === 1 ? ' has' : 's have'} a masked ${name} header, and ${count === 1 ? 'is' : 'are'} sent with it: a plugin can put the true value in`)
  }
  return planned
}

/** A client that recording ended for would have waited on: that is done for as long as the patience lasts. */
function waitedFor({ durationMs }: HttpExchange, by: 'client' | 'relay' | undefined, patience: number): number | null {
  return by === undefined || durationMs === null ? null : by === 'client' ? durationMs : Math.min(durationMs, patience)
}

/** Answers that took longer are looked into, for the longest silence in them. */
const long = 1_000

/** What most answers are no more than: a list of a million requests needn't have the figures of each. */
const usual: RecordedAnswer = { bytes: 64 * 1024, asked: 0, duration: 100, silence: 100 }

function answerTo({ id, requestBodySize, responseBodySize, durationMs, firstByteMs }: HttpExchange, recording: Recording): RecordedAnswer {
  const duration = durationMs ?? 0
  if (duration <= usual.duration && requestBodySize + responseBodySize <= usual.bytes) return usual
  const first = firstByteMs ?? duration
  const silence = Math.max(first, duration - first > long ? recording.longestPause(id) / 1000 : duration - first)
  return { bytes: responseBodySize, asked: requestBodySize, duration, silence }
}

function whyNot(exchange: HttpExchange): string | null {
  const { method, status, error, ended, requestHeaders, requestBodySize } = exchange
  if (method === null) return 'its request was not recorded'
  if (/^\*+$/.test(method)) return 'its method is masked'
  if (method === 'CONNECT') return 'a tunnel is no exchange of HTTP: its bytes are not repeated'
  if (status === 101) return 'it switched to another protocol (101)'
  if (error?.startsWith('request ') === true) return `its request was not recorded whole: ${error}`
  const length = firstHeader(requestHeaders, 'content-length')
  const chunked = firstHeader(requestHeaders, 'transfer-encoding') !== undefined
  if (ended === null && (chunked || (length !== undefined && Number(length) !== requestBodySize))) return 'its request was not over when recording ended'
  return null
}
