import { createServer, ServerResponse } from 'node:http'
import type { ClientRequest, IncomingMessage, Server } from 'node:http'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import type { Duplex } from 'node:stream'
import proxying from 'http-proxy'
import { reasonOf, WiretapeError } from '../../../error.js'
import { encodeRequestHead, Http1Decoder, withFraming } from '../../../protocols/http1/index.js'
import type { Recording } from '../../../recording/recording.js'
import { wantsClose } from '../../../relay/http/framing-fields.js'
import { startRelay } from '../../../relay/relay.js'
import type { Relay } from '../../../relay/relay.js'
import { inPlaceOf } from '../recorded-relays.js'
import type { Asking } from './asked-request.js'
import type { OnMiss } from './on-miss.js'
import type { Ending } from './recorded-answer.js'

/** Ms that a forwarded exchange is given to be in the recording. */
const patience = 2_000

/** Sends on to the live server what the recording has no answer for, and has it recorded where that is asked for. */
export class Forwarder {
  readonly #proxy: proxying
  readonly #server: Server
  readonly #relay: Relay | null
  readonly #recording: Recording
  readonly #onRecorded: () => void
  /** What is on its way into the recording, by what was asked. */
  readonly #settling = new Map<string, Promise<void>>()
  #closed = false

  private constructor(live: string, relay: Relay | null, recording: Recording, onRecorded: () => void) {
    this.#relay = relay
    this.#recording = recording
    this.#onRecorded = onRecorded
    this.#proxy = proxying.createProxyServer({ target: relay === null ? live : `http://127.0.0.1:${relay.port}`, changeOrigin: true, xfwd: false })
    // http-proxy leaves its request to the server open when the client goes.
    this.#proxy.on('proxyReq', (request: ClientRequest, _: IncomingMessage, response: ServerResponse) => {
      response.once('close', () => {
        if (!response.writableFinished) request.destroy()
      })
    })
    // Nor does it tell the client when the server goes in the middle of its answer.
    this.#proxy.on('proxyRes', (answer: IncomingMessage, _: IncomingMessage, response: ServerResponse) => {
      answer.once('close', () => {
        if (!answer.complete) response.destroy()
      })
    })
    this.#proxy.on('error', (error: Error, _: IncomingMessage, response: ServerResponse | Socket) => {
      if (!(response instanceof ServerResponse)) return
      if (response.headersSent) response.destroy()
      else response.writeHead(502, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`the live server ${live} could not be asked: ${reasonOf(error)}\n`)
    })
    this.#server = createServer({ requireHostHeader: false, maxHeaderSize: 256 * 1024 }, (request, response) => this.#proxy.web(request, response))
  }

  /**
   * @param target whom the recording stands in for. @param onRecorded called when it has grown.
   * @throws WiretapeError `usage` where it can't be recorded into, and the codes of opening a recording.
   */
  static async open({ kind, target: live }: Exclude<OnMiss, { kind: 'fail' }>, recording: Recording, target: string, onRecorded: () => void): Promise<Forwarder> {
    if (kind === 'forward') return new Forwarder(live.text, null, recording, onRecorded)
    const { masked } = recording.facts()
    if (masked !== undefined) {
      throw new WiretapeError('usage', `--on-miss record=${live.text}: secrets in ${recording.path} were masked by ${masked}, and those that come now would not be: use forward=${live.text}`)
    }
    const relay = await startRelay({
      http: `0=${live.text}`, record: { path: recording.path, append: true, facts: inPlaceOf(target, live.text) }, rewriteHost: true, injectable: false,
    })
    return new Forwarder(live.text, relay, recording, onRecorded)
  }

  /** Where it records: a port of this machine, by which the relay is known in the recording. */
  get port(): number | null {
    return this.#relay?.port ?? null
  }

  /** The answer to this isn't in the recording yet: resolves when it is. */
  settling(asked: Pick<Asking, 'method' | 'path'>): Promise<void> | null {
    return this.#settling.get(`${asked.method} ${asked.path}`) ?? null
  }

  /** Asks the live server, and gives the client what it says. The body has to have been kept. */
  async forward(asking: Asking, client: Socket, gone: AbortSignal): Promise<{ readonly status: number, readonly ending: Ending }> {
    const { method, target, version, headers, body } = asking
    const bytes = body.bytes!
    const before = this.#relay === null ? 0 : this.#newest(asking.path)
    const [ours, theirs] = duplexPair()
    // One end doesn't tell the other.
    const stop = (): void => {
      ours.destroy()
      theirs.destroy()
    }
    theirs.once('close', stop)
    ours.on('error', () => {})
    theirs.on('error', () => {})
    this.#server.emit('connection', theirs)
    const fields = headers.filter(([name]) => !/^(?:expect|connection|keep-alive|upgrade|transfer-encoding|trailer|te)$/i.test(name))
    ours.write(Buffer.concat([encodeRequestHead(method, target, version, withFraming(fields, bytes.length === 0 ? { kind: 'bare' } : { kind: 'length', length: bytes.length })), bytes]))
    gone.addEventListener('abort', stop)
    try {
      return await this.#answer(method, ours, client, gone)
    } finally {
      gone.removeEventListener('abort', stop)
      stop()
      if (this.#relay !== null) this.#settle(asking, before)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#proxy.close()
    await this.#relay?.stop({ grace: 0 })
    await Promise.all(this.#settling.values())
  }

  async #answer(method: string, from: Duplex, client: Socket, gone: AbortSignal): Promise<{ readonly status: number, readonly ending: Ending }> {
    const decoder = new Http1Decoder()
    decoder.expect(method)
    let status = 0
    let ending: Ending = 'reset'
    try {
      for await (const chunk of from) {
        let over = false
        for (const event of decoder.receive('down', chunk as Buffer, 0)) {
          if (event.type === 'response' && !event.informational) {
            status = event.status
            ending = wantsClose(event.version, event.headers) ? 'close' : 'goes on'
          }
          over ||= event.type === 'end'
        }
        if (!client.write(chunk as Buffer)) await once(client, 'drain', { signal: gone }).catch(() => {})
        if (over) return { status, ending }
      }
    } catch {
      // The live server went in the middle of its answer: so does this one.
    }
    return { status, ending: 'reset' }
  }

  /** The next one that asks the same is to find this answer. */
  #settle({ method, path, query }: Asking, before: number): void {
    const key = `${method} ${path}`
    const settling = (async () => {
      const since = performance.now()
      while (!this.#closed && performance.now() - since < patience && !this.#isRecorded(method, path, query, before)) await new Promise((resolve) => { setTimeout(resolve, 5) })
      if (!this.#closed) this.#onRecorded()
    })().catch(() => {}).finally(() => {
      if (this.#settling.get(key) === settling) this.#settling.delete(key)
    })
    this.#settling.set(key, settling)
  }

  #isRecorded(method: string, path: string, query: string | null, before: number): boolean {
    for (const line of this.#recording.requestLines(this.#relays(), path)) if (line.id > before && line.ended && line.method === method && line.query === query) return true
    return false
  }

  /** Id of the last one to this path that is in the recording. */
  #newest(path: string): number {
    let newest = 0
    for (const { id } of this.#recording.requestLines(this.#relays(), path)) newest = id
    return newest
  }

  #relays(): number[] {
    return this.#recording.relays().filter(({ listen }) => listen === `127.0.0.1:${this.port}`).map(({ id }) => id)
  }
}
