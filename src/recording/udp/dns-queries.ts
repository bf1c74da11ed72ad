import { reasonOf } from '../../error.js'
import type { Direction } from '../../protocols/decoder.js'
import { decodeDns } from '../../protocols/dns/message.js'
import type { DnsMessage } from '../../protocols/dns/message.js'
import type { InterpreterContext } from '../interpreter.js'
import type { DatagramReader, Told } from './datagram-reader.js'
import { DnsQueryRow } from './dns-query-row.js'
import { WaitingQueries } from './waiting-queries.js'
import type { WaitingQuery } from './waiting-queries.js'

/** Pairs DNS answers with their queries: by id, name and type (RFC 5452 §9.1; resolvers ask with many ids from one port). */
export class DnsQueries implements DatagramReader {
  readonly #context: InterpreterContext
  readonly #all: WaitingQueries
  readonly #byKey = new Map<string, WaitingQuery>()
  readonly #byId = new Map<number, Set<WaitingQuery>>()

  constructor(context: InterpreterContext) {
    this.#context = context
    this.#all = WaitingQueries.of(context.store)
  }

  datagram(direction: Direction, bytes: Buffer, datagramId: number, time: number): Told | null {
    this.#all.passed(time)
    let message: DnsMessage
    try {
      message = decodeDns(bytes)
    } catch (thrown) {
      this.#context.event({ kind: 'undecodable', text: reasonOf(thrown), time, direction, messageId: datagramId })
      return null
    }
    const asker = message.response === (direction === 'down') ? 'up' : 'down'
    if (!message.response) return this.#ask(message, asker, datagramId, time)
    const query = this.#answeredBy(message, asker)
    if (query === undefined) {
      this.#context.event({ kind: 'dns-unasked', text: `an answer that no query waits for: id ${message.id}, ${message.questions[0]?.name ?? 'no name'}`, time, direction, messageId: datagramId })
      return null
    }
    this.#all.remove(query)
    this.#forget(query)
    query.row.answered(message, time, datagramId)
    return query.row
  }

  supplied(direction: Direction, bytes: Buffer, time: number): void {
    const message = read(bytes)
    if (message?.response !== true) return
    const asker = direction === 'down' ? 'up' : 'down'
    const query = this.#answeredBy(message, asker) ?? this.#withId(message, asker)
    if (query === undefined) return
    this.#all.remove(query)
    this.#forget(query)
    query.row.answered(message, time, null)
  }

  close(): void {
    for (const query of this.#byKey.values()) if (this.#all.remove(query)) query.row.failed('no answer')
    this.#byKey.clear()
    this.#byId.clear()
  }

  /** A server that can't read or won't serve a query may leave the question out: then the id has to do. */
  #answeredBy(message: DnsMessage, asker: Direction): WaitingQuery | undefined {
    if (message.questions.length > 0) return this.#byKey.get(keyOf(message, asker))
    return this.#withId(message, asker)
  }

  #withId(message: DnsMessage, asker: Direction): WaitingQuery | undefined {
    return this.#byId.get(idOf(message, asker))?.values().next().value
  }

  #ask(message: DnsMessage, asker: Direction, datagramId: number, time: number): Told {
    const { store, connection } = this.#context
    const key = keyOf(message, asker)
    // The same question again with the same id is a retry: the first stays unanswered.
    const before = this.#byKey.get(key)
    if (before !== undefined) {
      if (this.#all.remove(before)) before.row.failed('no answer before it was asked again')
      this.#forget(before)
    }
    const query: WaitingQuery = {
      row: new DnsQueryRow(store, connection.id, datagramId, message, time), key, id: idOf(message, asker), forget: this.#forget,
    }
    this.#byKey.set(key, query)
    const sameId = this.#byId.get(query.id)
    if (sameId === undefined) this.#byId.set(query.id, new Set([query]))
    else sameId.add(query)
    this.#all.add(query)
    return { changed: (sent) => this.#askedOtherwise(query, asker, sent) }
  }

  /** The server was asked something else: it will answer that. */
  #askedOtherwise(query: WaitingQuery, asker: Direction, sent: Buffer): void {
    query.row.changed()
    const message = read(sent)
    if (message === null || message.response || this.#byKey.get(query.key) !== query) return
    const key = keyOf(message, asker)
    if (this.#byKey.has(key)) return
    this.#byKey.delete(query.key)
    query.key = key
    this.#byKey.set(key, query)
  }

  readonly #forget = (query: WaitingQuery): void => {
    this.#byKey.delete(query.key)
    const sameId = this.#byId.get(query.id)
    sameId?.delete(query)
    if (sameId?.size === 0) this.#byId.delete(query.id)
  }
}

function read(bytes: Buffer): DnsMessage | null {
  try {
    return decodeDns(bytes)
  } catch {
    return null
  }
}

/** Names differ in case between query and answer where somebody plays 0x20 games: it is the same name (RFC 4343). */
function keyOf({ id, questions }: DnsMessage, asker: Direction): string {
  const [question] = questions
  return `${asker} ${id} ${question?.name.toLowerCase() ?? ''} ${question?.type ?? ''}`
}

function idOf({ id }: DnsMessage, asker: Direction): number {
  return asker === 'up' ? id : -1 - id
}
