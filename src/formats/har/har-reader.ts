import { isIP } from 'node:net'
import { reasonOf } from '../../error.js'
import type { CaptureReader } from '../capture/captured-packet.js'
import type { ImportWriter } from '../import-writer.js'
import { bodyUnknownEvent } from '../../recording/notes.js'
import { EntrySplitter } from './entry-splitter.js'
import { readHarEntry } from './har-entry.js'
import type { HarEntry } from './har-entry.js'
import { writeRequest, writeResponse } from './written-message.js'
import type { WrittenMessage } from './written-message.js'

type Open = { readonly handle: number, readonly bytes: { up: number, down: number }, exchanges: number, lastTime: number }

/** Connections that later entries may go on with. */
const mostOpen = 1024

/** Entries that can't be read, told one by one. */
const mostTold = 20

export interface HarCounts {
  entries: number
  connections: number
  /** Entries that are no HTTP, or can't be read. */
  skipped: number
  /** Bytes of bodies that the HAR tells of and doesn't have. */
  missingBytes: number
}

/** A HAR's entries as exchanges: each is written out as HTTP/1 and goes to the recording the way that live bytes go. */
export class HarReader implements CaptureReader {
  readonly counts: HarCounts = { entries: 0, connections: 0, skipped: 0, missingBytes: 0 }
  readonly #writer: ImportWriter
  readonly #note: (text: string) => void
  readonly #splitter = new EntrySplitter((text, offset, ordinal) => this.#entry(text, offset, ordinal))
  /** By what the HAR tells of them, in the order of their last use. */
  readonly #open = new Map<string, Open[]>()
  #webSocketMessages = 0

  constructor(writer: ImportWriter, note: (text: string) => void) {
    this.#writer = writer
    this.#note = note
  }

  take(chunk: Buffer): void {
    this.#splitter.take(chunk)
  }

  end(): void {
    try {
      this.#splitter.end()
    } finally {
      this.close()
    }
  }

  /** No more entries come. */
  close(): void {
    for (const connections of this.#open.values()) for (const one of connections) this.#close(one, null)
    this.#open.clear()
    if (this.#webSocketMessages > 0) this.#note(`${this.#webSocketMessages} WebSocket messages are not imported`)
    this.#webSocketMessages = 0
  }

  #entry(text: string, offset: number, ordinal: number): void {
    let read: HarEntry | string
    try {
      read = readHarEntry(JSON.parse(text))
    } catch (thrown) {
      read = reasonOf(thrown)
    }
    const refused = typeof read === 'string' ? read : this.#import(read)
    this.counts.entries++
    if (refused === null) return
    if (++this.counts.skipped <= mostTold) this.#note(`entry ${ordinal}, at offset ${offset}, is left out: ${refused}`)
  }

  /** @returns why it can't be, or null. */
  #import(entry: HarEntry): string | null {
    const place = /^(https?|wss?):\/\/([^/?#\s]*@)?([^/?#\s@]+)([^#]*)/i.exec(entry.url)
    const authority = place?.[3] ?? ''
    const url = place === null ? null : parse(`${place[1]!.replace(/^ws/i, 'http')}://${authority}`)
    if (place === null || url === null) return `${entry.url.slice(0, 60)} is no URL of HTTP`
    const path = place[4]!.replaceAll(/[\0-\u0020\u007f]/g, encodeURIComponent)
    const request = writeRequest(entry, path.startsWith('/') ? path : `/${path}`, authority)
    if (request === null) return `${entry.method.slice(0, 60)} is no method`
    this.#webSocketMessages += entry.webSocketMessages
    this.#write(entry, url, request)
    return null
  }

  #write(entry: HarEntry, url: URL, request: WrittenMessage): void {
    const { times, status } = entry
    const writer = this.#writer
    const { key, connection } = this.#connectionFor(entry, url)
    const { handle, bytes } = connection
    const message = connection.exchanges++
    const send = (direction: 'up' | 'down', what: Buffer, time: number): void => {
      if (what.length === 0) return
      writer.received(handle, direction, time, bytes[direction], what)
      bytes[direction] += what.length
    }
    const tell = (direction: 'up' | 'down', { changed, unknown }: WrittenMessage, time: number): void => {
      for (const text of changed) writer.event(handle, time, { kind: 'har-rewritten', direction, text })
      if (unknown !== null) writer.event(handle, time, { kind: bodyUnknownEvent, direction, message, text: unknown })
    }
    send('up', request.head, times.request)
    send('up', request.body, times.requestEnd)
    tell('up', request, times.request)
    connection.lastTime = Math.max(times.requestEnd, times.responseEnd)
    const response = status === 0 ? null : writeResponse(entry)
    if (response !== null) {
      tell('down', response, times.response)
      send('down', response.head, times.response)
      send('down', response.body, times.responseEnd)
    }
    // The response first: nothing is read of what comes after a gap.
    const missing = this.#lose(connection, 'up', request.missing) + this.#lose(connection, 'down', response?.missing ?? 0)
    if (response === null) this.#close(connection, entry.error ?? 'the HAR has no response')
    else if (missing > 0) this.#close(connection, 'the body is not in the HAR')
    else if (status === 101 || key === null || (entry.method === 'CONNECT' && status < 300)) this.#close(connection, null)
    else this.#keep(key, connection)
  }

  #lose({ handle, bytes, lastTime }: Open, direction: 'up' | 'down', length: number): number {
    if (length === 0) return 0
    this.counts.missingBytes += length
    this.#writer.missing(handle, direction, lastTime, bytes[direction], length)
    bytes[direction] += length
    return length
  }

  /** One that the HAR says it is, and that has no other entry at that time: HTTP/2 has many at once, HTTP/1 can't. */
  #connectionFor(entry: HarEntry, url: URL): { key: string | null, connection: Open } {
    const { connection: told, serverAddress, times } = entry
    const key = told === null ? null : `${told} ${url.protocol}//${url.host}`
    const known = key === null ? undefined : this.#open.get(key)
    const free = known?.findIndex((one) => one.lastTime <= times.request) ?? -1
    if (free >= 0) {
      const [connection] = known!.splice(free, 1)
      return { key, connection: connection! }
    }
    const writer = this.#writer
    const secure = url.protocol === 'https:'
    const named = { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || (secure ? 443 : 80)) }
    const server = serverAddress !== null && isIP(serverAddress) !== 0 ? { host: serverAddress, port: named.port } : null
    const relay = writer.relay('http', named, times.opened, `${url.protocol}//${url.host}`)
    const handle = writer.open({ relay, protocol: 'http', transport: 'tcp', client: null, server, listen: null, scheme: secure ? 'https' : 'http' }, times.opened)
    if (server !== null) writer.connected(handle, times.connected, null, server)
    this.counts.connections++
    return { key, connection: { handle, bytes: { up: 0, down: 0 }, exchanges: 0, lastTime: times.opened } }
  }

  #keep(key: string, connection: Open): void {
    const others = this.#open.get(key) ?? []
    this.#open.delete(key)
    this.#open.set(key, [...others, connection])
    if (this.#open.size <= mostOpen && others.length < mostOpen) return
    const [oldest, connections] = this.#open.entries().next().value!
    this.#open.delete(oldest)
    for (const one of connections) this.#close(one, null)
  }

  #close({ handle, lastTime }: Open, error: string | null): void {
    this.#writer.closed(handle, lastTime, 'capture ended', error)
  }
}

function parse(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}
