import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { contentEncoding } from '../../protocols/content/coding.js'
import type { ConnectionRecord, HeaderFields, HttpExchange } from '../../recording/rows.js'
import type { Recording } from '../../recording/recording.js'
import { Connections } from './connections.js'
import { ExchangeWire } from './exchange-wire.js'
import { harBody } from './har-body.js'
import type { HarBody } from './har-body.js'
import { headerList, headerOf, multipartParameters, parameters, requestCookies, responseCookies } from './har-parts.js'
import { harTimings, isoTime, totalOf } from './har-times.js'
import { finalHead, headText, readStatusHead } from './head.js'
import { addressOf } from './request-address.js'

/** A form of more than this isn't taken apart. */
const largestForm = 1024 * 1024

/**
 * HTTP Archive 1.2: requests as clients made them, responses as they got them, which is what plugins left of the server's.
 * What HAR has no word for is under keys with an underscore; docs/export.md lists them.
 */
export async function* harPieces(recording: Recording, where: string | undefined): AsyncGenerator<string> {
  const { version } = JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')) as { version: string }
  const writing = new Entries(recording)
  yield `{"log":${JSON.stringify({ version: '1.2', creator: { name: 'wiretape', version }, pages: [] }).slice(0, -1)},"entries":[`
  let first = true
  for (const exchange of recording.exchanges(where === undefined ? {} : { matching: where })) {
    yield first ? '\n' : ',\n'
    first = false
    yield* writing.entry(exchange)
  }
  yield '\n]}}\n'
}

class Entries {
  readonly #recording: Recording
  readonly #connections: Connections
  /** Stands for texts that are too long to be held. Nobody outside knows it. */
  readonly #mark = randomUUID()

  constructor(recording: Recording) {
    this.#recording = recording
    this.#connections = new Connections(recording)
  }

  async* entry(exchange: HttpExchange): AsyncGenerator<string> {
    const wire = new ExchangeWire(this.#recording, exchange)
    const connection = this.#connections.get(exchange.connectionId)
    const timings = harTimings(exchange, connection, wire.lastTime('request'))
    const asked = await harBody(() => wire.body('request', 'received'), exchange.requestBodySize, exchange.requestType, null)
    const { response, body: got } = await this.#response(wire)
    const entry = {
      startedDateTime: isoTime(exchange.started), time: totalOf(timings),
      request: this.#request(wire, connection, asked), response, cache: {}, timings,
      ...(connection?.server == null || isIP(connection.server.host) === 0 ? {} : { serverIPAddress: connection.server.host }),
      connection: String(exchange.connectionId),
      ...facts(exchange),
      ...(exchange.changed ? { _events: this.#events(exchange.id) } : {}),
    }
    const texts = [asked, got].flatMap(({ text }) => typeof text === 'string' ? [] : [text])
    const parts = JSON.stringify(entry).split(`"${this.#mark}"`)
    for (const [place, part] of parts.entries()) {
      yield part
      const text = place < parts.length - 1 ? texts[place] : undefined
      if (text === undefined) continue
      yield '"'
      yield* text()
      yield '"'
    }
  }

  #request(wire: ExchangeWire, connection: ConnectionRecord | null, body: HarBody): object {
    const { exchange } = wire
    return {
      method: exchange.method ?? '', url: addressOf(exchange, connection), httpVersion: version(exchange.requestVersion),
      cookies: requestCookies(exchange.requestHeaders), headers: headerList(exchange.requestHeaders), queryString: parameters(headText(exchange.query ?? '')),
      ...(body.wireSize === 0 ? {} : { postData: this.#postData(body, exchange.requestType) }),
      headersSize: wire.head('request', 'received').length || -1, bodySize: body.wireSize,
    }
  }

  #postData(body: HarBody, type: string | null): object {
    const mimeType = headText(type ?? '')
    const text = this.#textOf(body)
    const whole = typeof body.text === 'string' && !body.base64 && body.size <= largestForm ? body.text : null
    const params = whole === null ? null : /^application\/x-www-form-urlencoded\b/i.test(mimeType) ? parameters(whole)
      : /^multipart\/form-data\b/i.test(mimeType) ? multipartParameters(whole, mimeType) : null
    return { mimeType, ...(params === null ? {} : { params }), text, ...(body.base64 ? { _encoding: 'base64' } : {}), ...charsetOf(body) }
  }

  /** As the client got it. */
  async #response(wire: ExchangeWire): Promise<{ response: object, body: HarBody }> {
    const { exchange } = wire
    const leg = exchange.changed ? 'sent' : 'received'
    const head = finalHead(wire.head('response', leg))
    const said = exchange.changed ? readStatusHead(head) : null
    const headers: HeaderFields = said?.headers ?? exchange.responseHeaders
    const type = said === null ? exchange.responseType : headerOf(headers, 'content-type')
    const coding = contentEncoding(headers)
    const body = await harBody(() => wire.body('response', leg), exchange.changed ? null : exchange.responseBodySize, type, coding)
    const coded = coding !== null && body.undecoded === null
    const response = {
      status: said?.status ?? exchange.status ?? 0, statusText: headText(said?.reason ?? exchange.reason ?? ''),
      httpVersion: version(said?.version ?? exchange.responseVersion), cookies: responseCookies(headers), headers: headerList(headers),
      content: {
        size: body.size, ...(coded ? { compression: body.size - body.wireSize } : {}), mimeType: type === null ? 'x-unknown' : headText(type),
        ...(body.size === 0 ? {} : { text: this.#textOf(body), ...(body.base64 ? { encoding: 'base64' } : {}) }),
        ...charsetOf(body), ...(body.undecoded === null ? {} : { _undecoded: body.undecoded }),
      },
      redirectURL: headText(headerOf(headers, 'location') ?? ''), headersSize: head.length || -1, bodySize: body.wireSize,
    }
    return { response, body }
  }

  #textOf({ text }: HarBody): string {
    return typeof text === 'string' ? text : this.#mark
  }

  /** What plugins did with it. */
  #events(id: number): object[] {
    return [...this.#recording.events({ where: `message_id = ${id}` })].map(({ kind, source, text }) => ({ kind, source, text }))
  }
}

function facts(exchange: HttpExchange): object {
  const { id, framingFlags, changed, error, informational, requestTrailers, responseTrailers, ended } = exchange
  return {
    _id: id, _changed: changed,
    ...(error === null ? {} : { _error: error }),
    ...(ended === null ? { _open: true } : {}),
    ...(framingFlags.length === 0 ? {} : { _framing_flags: framingFlags }),
    ...(informational.length === 0 ? {} : { _informational: informational }),
    ...(requestTrailers.length === 0 ? {} : { _request_trailers: headerList(requestTrailers) }),
    ...(responseTrailers.length === 0 ? {} : { _response_trailers: headerList(responseTrailers) }),
  }
}

function charsetOf({ charset }: HarBody): object {
  return charset === null ? {} : { _charset: charset }
}

function version(recorded: string | null): string {
  return recorded === null ? 'unknown' : `HTTP/${recorded}`
}
