import type { HttpExchangeRow } from '../src/recording/store.js'

type Fields = readonly (readonly [string, string])[]

export interface InventedRequest {
  readonly method: string
  readonly path: string
  readonly query: string | null
  readonly headers: Fields
  readonly head: Buffer
}

export interface InventedAnswer {
  readonly status: number
  readonly reason: string
  readonly type: string
  /** µs from the request to the end of the answer. */
  readonly duration: number
  readonly headers: Fields
  readonly head: Buffer
  readonly body: Buffer
}

/** Where an exchange's bytes and headers were written, by row id. */
export interface Kept {
  readonly firstSegment: number
  readonly lastSegment: number
  readonly requestHeaders: number
  readonly responseHeaders: number
}

/** Repeatable chance (xorshift): the same file in every run. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 to below 1. */
  next(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return (x >>> 0) / 2 ** 32
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  /** One of these, each as likely as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.next() * choices.reduce((sum, [weight]) => sum + weight, 0)
    return (choices.find(([weight]) => (left -= weight) < 0) ?? choices.at(-1)!)[1]
  }
}

const host = 'shop.example:8080'

const agents = Array.from({ length: 40 }, (_, n) => `Mozilla/5.0 (X11; Linux x86_64) Version/${100 + n}`)

const resources = [[30, '/api/products'], [20, '/api/orders'], [10, '/api/users'], [25, '/static/app'], [15, '/search']] as const
const methods = [[85, 'GET'], [8, 'POST'], [4, 'PUT'], [2, 'DELETE'], [1, 'HEAD']] as const
const statuses: readonly (readonly [weight: number, value: readonly [status: number, reason: string]])[] = [
  [880, [200, 'OK']], [40, [304, 'Not Modified']], [40, [404, 'Not Found']], [15, [302, 'Found']],
  [14, [500, 'Internal Server Error']], [6, [503, 'Service Unavailable']], [5, [502, 'Bad Gateway']],
]

export function requestOf(chance: Chance): InventedRequest {
  const method = chance.weighted(methods)
  const resource = chance.weighted(resources)
  const path = resource === '/search' ? resource : `${resource}/${chance.below(50_000)}`
  const query = resource === '/search' ? `q=item+${chance.below(5_000)}&page=${chance.below(9)}` : null
  const headers: Fields = [
    ['Host', host], ['User-Agent', agents[chance.below(agents.length)]!], ['Accept', '*/*'], ['Accept-Encoding', 'gzip, br'],
  ]
  return { method, path, query, headers, head: headOf(`${method} ${path}${query === null ? '' : `?${query}`} HTTP/1.1`, headers) }
}

/** About half of the failures take over 200 ms: little more than one exchange in a hundred is what the bench looks for. */
export function chooseAnswer(chance: Chance, { path }: InventedRequest): InventedAnswer {
  const [status, reason] = chance.weighted(statuses)
  const type = path.startsWith('/static') ? 'text/javascript' : path === '/search' ? 'text/html; charset=utf-8' : 'application/json'
  const usual = status >= 500 ? 300_000 : 20_000
  const duration = Math.ceil(-Math.log(1 - chance.next()) * usual) + 300
  const body = Buffer.alloc(status === 304 ? 0 : 64 + chance.below(400), '{"name":"something sold","price":12.5},')
  const headers: Fields = [['Server', 'nginx'], ['Content-Type', type], ['Content-Length', String(body.length)], ['Connection', 'keep-alive']]
  return { status, reason, type, duration, headers, head: headOf(`HTTP/1.1 ${status} ${reason}`, headers), body }
}

export function rowOf(
  id: number, connectionId: number, started: number, request: InventedRequest, answer: InventedAnswer, kept: Kept,
): HttpExchangeRow {
  const { method, path, query } = request
  const { status, reason, duration, body } = answer
  return {
    id, connectionId, status, started, firstByte: started + duration - 100, ended: started + duration,
    requestBodySize: 0, responseBodySize: body.length,
    requestHeaders: kept.requestHeaders, responseHeaders: kept.responseHeaders, requestTrailers: null, responseTrailers: null,
    firstSegment: kept.firstSegment, lastSegment: kept.lastSegment, changed: false,
    method, scheme: 'http', authority: null, path, query, reason, requestVersion: '1.1', responseVersion: '1.1',
    informational: null, framingFlags: null, error: null,
  }
}

function headOf(first: string, headers: Fields): Buffer {
  return Buffer.from(`${[first, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`)
}
