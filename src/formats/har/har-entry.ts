import { readRequestBody, readResponseBody } from './har-body.js'
import type { HarBody } from './har-body.js'

/*
 * HAR 1.2 as programs write it: nothing is there for certain, and nothing is of its type for certain. What isn't usable is
 * read as if it weren't there.
 */

export type HarFields = readonly (readonly [name: string, value: string])[]

export interface HarEntry {
  readonly method: string
  readonly url: string
  readonly requestVersion: string
  readonly requestHeaders: HarFields
  readonly requestBody: HarBody
  /** 0 where there was no response. */
  readonly status: number
  readonly reason: string
  readonly responseVersion: string
  readonly responseHeaders: HarFields
  readonly responseBody: HarBody
  /** Why there was none, in Chrome's words. */
  readonly error: string | null
  /** What tells connections apart; null where the HAR doesn't. */
  readonly connection: string | null
  readonly serverAddress: string | null
  /** µs since the epoch: when it was begun, had its connection, sent its first and last byte, and got the response's first and last. */
  readonly times: HarTimes
  /** WebSocket messages, which are counted only. */
  readonly webSocketMessages: number
}

export interface HarTimes {
  readonly opened: number
  readonly connected: number
  readonly request: number
  readonly requestEnd: number
  readonly response: number
  readonly responseEnd: number
}

type Json = Readonly<Record<string, unknown>>

/** @returns what is wrong with it, in words, where it can't be read. */
export function readHarEntry(value: unknown): HarEntry | string {
  const entry = object(value)
  const request = object(entry['request'])
  const response = object(entry['response'])
  const content = object(response['content'])
  const method = string(request['method'])
  const url = string(request['url'])
  if (method === '' || url === '') return 'it has no request with a method and a URL'
  const times = readTimes(entry)
  if (times === null) return 'its startedDateTime is no time'
  const status = Number(response['status'])
  const [requestHeaders, responseHeaders] = [fields(request['headers']), fields(response['headers'])]
  return {
    method, url, times, requestVersion: string(request['httpVersion']), requestHeaders,
    requestBody: readRequestBody(object(request['postData']), request['bodySize'], byName(requestHeaders)),
    status: Number.isInteger(status) && status >= 100 && status <= 999 ? status : 0, reason: string(response['statusText']),
    responseVersion: string(response['httpVersion']), responseHeaders, responseBody: readResponseBody(content, byName(responseHeaders)),
    error: string(response['_error']) || null, connection: string(entry['connection']) || null, serverAddress: string(entry['serverIPAddress']).replace(/^\[(.*)\]$/, '$1') || null,
    webSocketMessages: Array.isArray(entry['_webSocketMessages']) ? entry['_webSocketMessages'].length : 0,
  }
}

/** Phases follow one another; -1 stands for one that there wasn't. `ssl` is within `connect`. */
function readTimes(entry: Json): HarTimes | null {
  const opened = microseconds(string(entry['startedDateTime']))
  if (opened === null) return null
  const timings = object(entry['timings'])
  const phase = (name: string): number => {
    const ms = Number(timings[name])
    return ms > 0 && ms < 1e9 ? Math.round(ms * 1000) : 0
  }
  const total = Number(entry['time'])
  const isTimed = ['send', 'wait', 'receive'].some((name) => phase(name) > 0)
  const begun = opened + phase('blocked') + phase('dns')
  const request = begun + phase('connect')
  const requestEnd = request + phase('send')
  const response = requestEnd + (isTimed ? phase('wait') : total > 0 && total < 1e9 ? Math.round(total * 1000) : 0)
  const responseEnd = response + phase('receive')
  if (opened < 0 || !Number.isSafeInteger(responseEnd)) return null
  return { opened: begun, connected: request, request, requestEnd, response, responseEnd }
}

/** `Date` knows milliseconds; some programs write more digits. */
function microseconds(text: string): number | null {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) return null
  const digits = /\.(\d+)/.exec(text)?.[1] ?? ''
  return ms * 1000 + Number(digits.slice(3, 6).padEnd(3, '0'))
}

function fields(value: unknown): HarFields {
  if (!Array.isArray(value)) return []
  return value.map(object).map((field) => [string(field['name']), string(field['value'])] as const).filter(([name]) => name !== '')
}

function byName(all: HarFields): ReadonlyMap<string, string> {
  return new Map(all.map(([name, value]) => [name.toLowerCase(), value]))
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? value as Json : {}
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}
