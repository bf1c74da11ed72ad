import { once } from 'node:events'
import type { Socket } from 'node:net'
import { reasonOf } from '../../../error.js'
import { Http1Decoder } from '../../../protocols/http1/index.js'
import type { RequestEvent } from '../../../protocols/http1/index.js'
import type { Address } from '../../../recording/notes.js'
import { addressOf } from '../../../relay/connection.js'
import { expectsContinue, wantsClose } from '../../../relay/http/framing-fields.js'
import { buildAnswer } from '../../../relay/http/answer.js'
import { Inflow, piecesOf } from '../../../relay/http/inflow.js'
import type { Piece } from '../../../relay/http/inflow.js'
import { resetSocket } from '../../../relay/reset-socket.js'
import type { Miss } from '../miss.js'
import { Session } from '../tcp/session.js'
import { playAnswer } from './play-answer.js'
import { AskedBody } from './asked-body.js'
import { partsOfTarget } from './asked-request.js'
import type { Asking } from './asked-request.js'
import { closestTo, lineOf } from './explain-miss.js'
import { missAnswer } from './miss-answer.js'
import type { Ending, RecordedAnswer } from './recorded-answer.js'
import type { Site } from './site.js'

const continueHead = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')

/** Bytes of requests that may wait behind one that is being answered. */
const mostWaiting = 128 * 1024

/** Bytes of answers that a client may leave unread before the next is given. */
const mostUnread = 1024 * 1024

/** Ms that a client is given to read a last answer. */
const lingering = 1_000

/** One client of a server that stands in: its requests are answered one after the other. */
export class ServedConnection {
  readonly client: Address | null
  readonly #socket: Socket
  readonly #site: Site
  readonly #decoder = new Http1Decoder()
  readonly #inflow: Inflow
  readonly #gone = new AbortController()
  #received = 0
  #asking: Asking | null = null
  #ended = false

  constructor(socket: Socket, site: Site, onGone: () => void) {
    this.#socket = socket
    this.#site = site
    this.client = addressOf(socket.remoteAddress, socket.remotePort)
    this.#inflow = new Inflow((piece) => this.#take(piece), () => this.#settle())
    socket.on('error', () => {})
    socket.once('close', () => {
      this.#ended = true
      this.#gone.abort()
      onGone()
    })
    socket.on('data', (bytes) => {
      const base = this.#received
      this.#received += bytes.length
      if (!this.#ended) this.#guarded(() => this.#inflow.feed(piecesOf(this.#decoder.receive('up', bytes, 0), bytes, base)))
    })
    socket.once('end', () => {
      if (!this.#ended) this.#guarded(() => this.#inflow.feed([...piecesOf(this.#decoder.end('up', 0, true), Buffer.alloc(0), 0), { type: 'fin' }]))
    })
    socket.resume()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #take(piece: Piece): void {
    if (this.#ended) return
    switch (piece.type) {
      case 'span':
        if (piece.kind === 'body') this.#asking?.body.add(piece.bytes)
        return
      case 'request':
        this.#begin(piece)
        return
      case 'end':
        // Why it can't be read to its end comes next, or else that the client's words are over.
        if (piece.complete && this.#asking !== null) this.#answer(this.#asking)
        return
      case 'opaque':
        if (piece.reason !== null) this.#refuse(piece.reason)
        return
      case 'fin':
        this.#end('close')
    }
  }

  #begin({ method, target, version, headers }: RequestEvent): void {
    const { path, query, authority } = partsOfTarget(method, target)
    const host = authority ?? headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? null
    this.#asking = { method, target, version, path, query, host, headers, body: new AskedBody(), since: performance.now() }
    if (version === '1.1' && expectsContinue(headers)) this.#socket.write(continueHead)
  }

  #answer(asking: Asking): void {
    const { requests, forwarder } = this.#site
    const settling = forwarder?.settling(asking) ?? null
    if (settling === null) {
      this.#give(asking, requests.next(asking))
      return
    }
    this.#later(async () => {
      await settling
      this.#give(asking, this.#site.requests.next(asking))
    })
  }

  #give(asking: Asking, found: ReturnType<Site['requests']['next']>): void {
    const { answers, pace, settings } = this.#site
    if (!('id' in found)) {
      this.#missOrForward(asking, this.#explain(asking, found))
      return
    }
    const answer = answers.get(found.id)
    if (answer.incomplete !== null) {
      this.#missOrForward(asking, this.#explainIncomplete(asking, answer, answer.incomplete))
      return
    }
    this.#site.onServed()
    if (answer.tunnels) {
      this.#later(() => this.#tunnel(asking, answer, found.equal))
      return
    }
    const bare = asking.version === '1.0' && answer.chunked
    const plain = !bare && !pace.waits && (asking.version !== '1.0' || answer.informational.length === 0) && !settings.refresh.date && !settings.refresh.cookies && (asking.method === 'HEAD') === (answer.exchange.method === 'HEAD')
    const whole = plain ? answer.whole ?? null : null
    const ending = bare || this.#closesAfter(asking, answer) ? (answer.ending === 'goes on' ? 'close' : answer.ending) : answer.ending
    if (whole === null) {
      this.#later(async () => {
        await playAnswer(this.#socket, asking, answer, bare, this.#site, this.#gone.signal)
        this.#over(answer.status, ending)
      })
      return
    }
    if (whole.length > 0) this.#socket.write(whole)
    this.#over(answer.status, ending)
  }

  /** The recorded head, and from then on the connection is no HTTP any more. */
  async #tunnel(asking: Asking, answer: RecordedAnswer, equal: readonly number[]): Promise<void> {
    const { tunnels, pace, onServed, onMiss, onProblem } = this.#site
    // Reads the recording: where that fails, the client can still be told.
    const tunnel = tunnels.open(asking, equal)
    await playAnswer(this.#socket, asking, answer, false, this.#site, this.#gone.signal)
    if (this.#ended) return
    this.#ended = true
    // What came behind the request was taken for HTTP, or kept.
    const { waiting } = this.#inflow
    const bytes = Buffer.concat(waiting.flatMap((piece) => piece.type === 'span' ? [piece.bytes] : []))
    this.#inflow.clear()
    await new Session({
      socket: this.#socket, pace, onServed, onProblem, conversation: Promise.resolve(tunnel.conversation),
      begun: { bytes, over: waiting.some(({ type }) => type === 'fin') }, heard: tunnel.heard,
      onDeparture: (departure, opening) => onMiss(tunnel.missOf(departure, opening, this.client)),
    }).run()
  }

  #closesAfter({ version, headers }: Asking, answer: RecordedAnswer): boolean {
    return wantsClose(version, headers) || (version === '1.0' && wantsClose('1.0', answer.headers))
  }

  #missOrForward(asking: Asking, miss: Miss): void {
    const { forwarder, onMiss } = this.#site
    if (forwarder === null) {
      this.#miss(asking, miss)
      return
    }
    if (asking.body.bytes === null) {
      this.#miss(asking, { ...miss, text: `${miss.text}; its body of ${asking.body.size} bytes isn't sent on to the live server: up to 8 MiB are` })
      return
    }
    onMiss(miss)
    this.#later(async () => {
      const { status, ending } = await forwarder.forward(asking, this.#socket, this.#gone.signal)
      this.#over(status, ending === 'goes on' && wantsClose(asking.version, asking.headers) ? 'close' : ending)
    })
  }

  #miss(asking: Asking, miss: Miss): void {
    this.#site.onMiss(miss)
    const closing = wantsClose(asking.version, asking.headers)
    const { head, body, status } = missAnswer(miss, asking, closing)
    this.#socket.write(Buffer.concat([head, body]))
    this.#over(status, closing ? 'close' : 'goes on')
  }

  /** Where one request ends and the next begins can't be known from here on. */
  #refuse(reason: string): void {
    const asking = this.#asking
    const asked = asking === null ? 'what is no HTTP request' : lineOf(asking)
    const miss: Miss = {
      kind: 'unknown', protocol: 'http', client: this.client, asked, closest: null, differs: [],
      text: asking === null ? `this can't be read as an HTTP request: ${reason}` : `${asked} can't be read to its end: ${reason}`,
    }
    this.#site.onMiss(miss)
    const { head, body } = missAnswer(miss, asking, true)
    this.#socket.write(Buffer.concat([head, body]))
    this.#end('close')
  }

  #explain(asking: Asking, found: { readonly missing: 'unknown' } | { readonly missing: 'exhausted', readonly last: number }): Miss {
    const { recording, relays, settings } = this.#site
    const asked = lineOf(asking)
    const own = { protocol: 'http', client: this.client, asked } as const
    if (found.missing === 'exhausted') {
      return { ...own, kind: 'exhausted', closest: found.last, differs: [], text: `every recorded answer to ${asked} has been given: the last is exchange ${found.last}` }
    }
    const closest = closestTo(asking, settings.rulesFor(asking.path), recording, relays)
    return {
      ...own, kind: 'unknown', closest: closest?.id ?? null, differs: closest?.differs ?? [],
      text: closest === null ? `no recorded request matches ${asked}: no request was recorded there` : `no recorded request matches ${asked}: the closest is exchange ${closest.id}, ${closest.text}${maskedIn(closest.masked)}`,
    }
  }

  #explainIncomplete(asking: Asking, { id }: RecordedAnswer, why: string): Miss {
    return {
      kind: 'incomplete', protocol: 'http', client: this.client, asked: lineOf(asking), closest: id, differs: [],
      text: `the recorded answer to ${lineOf(asking)}, exchange ${id}, isn't whole and isn't given short: ${why}`,
    }
  }

  /** The requests behind this one wait. */
  #later(work: () => Promise<void> | void): void {
    this.#inflow.hold()
    void (async () => work())().catch((thrown: unknown) => this.#failed(thrown)).finally(() => this.#guarded(() => this.#inflow.release()))
  }

  #over(status: number, ending: Ending): void {
    this.#asking = null
    if (this.#ended) return
    this.#decoder.answered(status)
    if (ending !== 'goes on') this.#end(ending)
    // Who asks on and reads nothing is answered when it does.
    else if (this.#socket.writableLength > mostUnread) this.#later(() => once(this.#socket, 'drain', { signal: this.#gone.signal }).then(() => {}, () => {}))
  }

  #guarded(work: () => void): void {
    try {
      work()
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  /** The recording can't be read: it was truncated, or its disk is gone. */
  #failed(thrown: unknown): void {
    this.#site.onProblem(`the recording could not be read: ${reasonOf(thrown)}`)
    if (this.#ended) return
    const { head, body } = buildAnswer({ status: 500, body: 'The recording could not be read.\n' }, 'GET', true)
    this.#socket.write(Buffer.concat([head, body]))
    this.#end('close')
  }

  #end(how: Ending): void {
    if (this.#ended) return
    this.#ended = true
    const socket = this.#socket
    // Who leaves is to be heard.
    socket.resume()
    if (how === 'silence') {
      if (socket.readableEnded) socket.destroy()
      else socket.once('end', () => socket.destroy())
      return
    }
    if (how === 'reset') {
      // What was written is to arrive before it.
      socket.write(Buffer.alloc(0), () => resetSocket(socket))
      return
    }
    socket.end()
    // A system that closes with bytes unread resets, and the client may lose what it hasn't read (RFC 9112 §9.6).
    const linger = setTimeout(() => socket.destroy(), lingering)
    socket.once('end', () => socket.destroy())
    socket.once('close', () => clearTimeout(linger))
  }

  #settle(): void {
    const waits = this.#inflow.waitingBytes > mostWaiting
    if (waits !== this.#socket.isPaused() && !this.#ended) {
      if (waits) this.#socket.pause()
      else this.#socket.resume()
    }
  }
}

function maskedIn(fields: readonly string[]): string {
  if (fields.length === 0) return ''
  return `; its ${fields.join(', ')} ${fields.length === 1 ? 'is' : 'are'} masked there: anything of the same length goes, and this has another`
}
