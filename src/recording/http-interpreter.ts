import type { Direction, Opaque, Span } from '../protocols/decoder.js'
import { Http1Decoder } from '../protocols/http1/index.js'
import type { Http1Event } from '../protocols/http1/index.js'
import { ExchangeInProgress } from './exchange-in-progress.js'
import type { Interpreter, InterpreterContext } from './interpreter.js'
import type { ExchangeNote } from './notes.js'
import type { SentKind } from './slab.js'

/** Segments written for a head that isn't complete yet: a later byte may show that it wasn't one. */
type Provisional = { readonly id: number, readonly start: number }

/** Reads a connection as HTTP/1: each event of the decoder becomes a segment or a fact of an exchange. */
export class HttpInterpreter implements Interpreter {
  readonly #context: InterpreterContext
  readonly #decoder = new Http1Decoder()
  readonly #open = new Map<number, ExchangeInProgress>()
  readonly #provisional: Record<Direction, Provisional[]> = { up: [], down: [] }
  /** The exchange that ended last: what was sent instead of its bytes may be told only now, where plugins took their time. */
  #last: ExchangeInProgress | null = null
  #lastOrdinal = -1
  #spans: Span[] = []
  /** A message has ended, and with it perhaps its exchange. */
  #unsettled = false

  constructor(context: InterpreterContext) {
    this.#context = context
  }

  received(direction: Direction, bytes: Buffer, offset: number, time: number): void {
    this.#spans = [{ type: 'span', direction, kind: 'opaque', start: offset, end: offset + bytes.length, message: -1 }]
    try {
      const events = this.#decoder.receive(direction, bytes, time)
      this.#spans = []
      for (const event of events) this.#take(event)
    } finally {
      // Whatever fails, the bytes are kept.
      for (const span of this.#spans) this.#write(span, bytes, offset, time)
    }
    this.#settle()
  }

  sent(direction: Direction, bytes: Buffer, offset: number, replaced: number, time: number, kind: SentKind): void {
    let exchange: ExchangeInProgress | undefined = this.#last?.covers(direction, offset) === true ? this.#last : undefined
    for (const open of this.#open.values()) if (open.covers(direction, offset)) exchange = open
    if (exchange !== undefined) exchange.row.changed = true
    const ids = this.#context.store.segment(
      this.#context.connection.id, direction, 'sent', offset, time, kind, exchange?.row.id ?? null, replaced, bytes)
    exchange?.covered(ids)
    if (exchange !== undefined && exchange === this.#last) this.#save(exchange)
  }

  exchange({ message, method, offset, answer }: ExchangeNote, time: number): void {
    if (method !== undefined) this.#decoder.sentAs(message, method)
    const exchange = this.#open.get(message)
    if (exchange === undefined || !exchange.began) return
    if (offset !== undefined) exchange.place(offset)
    if (answer === undefined) return
    exchange.answer(answer, time, this.#context.store)
    this.#decoder.answered(answer.status)
    this.#unsettled = true
    this.#settle()
  }

  end(direction: Direction, time: number, clean: boolean): void {
    this.#spans = []
    for (const event of this.#decoder.end(direction, time, clean)) this.#take(event)
    this.#settle()
  }

  messageId(ordinal: number): number | null {
    const id = (this.#open.get(ordinal) ?? (this.#lastOrdinal === ordinal ? this.#last : null))?.row.id ?? -1
    return id < 0 ? null : id
  }

  get idle(): boolean {
    return this.#open.size === 0
  }

  get held(): number {
    return this.#decoder.bufferedBytes
  }

  flush(): void {
    for (const exchange of this.#open.values()) {
      if (exchange.dirty && exchange.began) this.#save(exchange)
    }
  }

  close(time: number, why?: string): void {
    const connection = this.#context.connection
    for (const exchange of this.#open.values()) {
      if (!exchange.began) continue
      if (exchange.row.error === null) {
        exchange.row.error = `${exchange.answered ? 'exchange cut' : 'no response'}: ${why ?? connection.error ?? connection.endReason ?? 'connection closed'}`
      }
      exchange.row.ended ??= time
      this.#finish(exchange)
    }
    this.#open.clear()
  }

  #take(event: Http1Event): void {
    switch (event.type) {
      case 'span':
        this.#spans.push(event)
        if (event.message >= 0 && event.kind !== 'opaque') this.#exchange(event.message).span(event)
        return
      case 'request':
        this.#begin(event.message, 'up', event.startedAt).request(event, this.#context.store)
        return
      case 'response':
        this.#begin(event.message, 'down', event.startedAt).response(event, this.#context.store)
        return
      case 'trailers':
        this.#exchange(event.message).trailers(event, this.#context.store)
        return
      case 'flag':
        this.#exchange(event.message).flag(event.flag)
        return
      case 'end':
        this.#begin(event.message, event.direction, event.at).end(event)
        this.#unsettled = true
        return
      case 'opaque':
        this.#retract(event)
    }
  }

  #exchange(message: number): ExchangeInProgress {
    let exchange = this.#open.get(message)
    if (exchange === undefined) {
      exchange = new ExchangeInProgress(this.#context.connection.id)
      this.#open.set(message, exchange)
    }
    return exchange
  }

  /** It is certain now that this is an exchange: it gets its id, and with it the segments of its head that came before. */
  #begin(message: number, direction: Direction, startedAt: number): ExchangeInProgress {
    const exchange = this.#exchange(message)
    exchange.startAt(startedAt)
    const { store } = this.#context
    if (!exchange.began) exchange.row.id = store.newId()
    for (const segment of this.#provisional[direction]) store.adopt(segment.id, exchange.row.id)
    this.#provisional[direction].length = 0
    return exchange
  }

  #write(span: Span, bytes: Buffer, offset: number, time: number): void {
    const exchange = span.message < 0 ? undefined : this.#open.get(span.message)
    exchange?.startAt(time)
    const whole = span.start === offset && span.end === offset + bytes.length
    const ids = this.#context.store.segment(
      this.#context.connection.id, span.direction, 'received', span.start, time, span.kind,
      exchange?.began ? exchange.row.id : null, null,
      whole ? bytes : bytes.subarray(span.start - offset, span.end - offset))
    exchange?.covered(ids)
    if (exchange !== undefined && span.kind === 'head' && !exchange.headed(span.direction)) {
      this.#provisional[span.direction].push({ id: ids.first, start: span.start })
    }
  }

  /** Nothing from `opaque.offset` on is what it was taken for: not in this call, not in the head begun before it. */
  #retract(opaque: Opaque): void {
    const { direction, offset, reason } = opaque
    this.#spans = this.#spans.flatMap((span) => {
      if (span.direction !== direction || span.end <= offset) return [span]
      const rest: Span = { ...span, kind: 'opaque', start: Math.max(span.start, offset), message: -1 }
      return span.start < offset ? [{ ...span, end: offset }, rest] : [rest]
    })
    for (const segment of this.#provisional[direction]) {
      if (segment.start >= offset) this.#context.store.retype(segment.id, 'opaque')
    }
    this.#provisional[direction].length = 0
    if (reason === null) {
      // The protocol's own switch: what looked like the next message's beginning never was one.
      for (const [message, open] of this.#open) if (!open.began) this.#open.delete(message)
      return
    }
    const exchange = opaque.message < 0 ? undefined : this.#begin(opaque.message, direction, opaque.at)
    if (exchange !== undefined) {
      exchange.row.error ??= reason
      exchange.dirty = true
    }
    this.#context.event({ kind: 'undecodable', text: reason, time: opaque.at, direction, offset, messageId: exchange?.row.id ?? null })
  }

  #settle(): void {
    if (!this.#unsettled) return
    this.#unsettled = false
    for (const [message, exchange] of this.#open) {
      if (!exchange.over) continue
      this.#finish(exchange)
      this.#open.delete(message)
      this.#last = exchange
      this.#lastOrdinal = message
    }
  }

  #finish(exchange: ExchangeInProgress): void {
    this.#save(exchange)
    this.#context.store.countRecord()
  }

  /** The first message makes the connection's own record go: both change in one commit. */
  #count(): void {
    const { connection, store } = this.#context
    if (++connection.messages === 1) store.connection(connection)
  }

  #save(exchange: ExchangeInProgress): void {
    exchange.row.scheme ??= this.#context.scheme
    if (!exchange.saved) this.#count()
    exchange.saved = true
    exchange.dirty = false
    this.#context.store.exchange(exchange.row)
  }
}
