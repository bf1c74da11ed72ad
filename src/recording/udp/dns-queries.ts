import { reasonOf } from '../../error.js'
import type { Direction } from '../../protocols/decoder.js'
import { decodeDns } from '../../protocols/dns/message.js'
import type { DnsMessage } from '../../protocols/dns/message.js'
import type { InterpreterContext } from '../interpreter.js'
import type { DatagramReader } from './datagram-reader.js'

type Query = {
  readonly id: number
  readonly datagramId: number
  readonly message: DnsMessage
  readonly started: number
}

/** Queries that wait for an answer, at most, in one session: a flood that nobody answers has to stay bounded. */
const mostWaiting = 10_000

/** Pairs DNS answers with their queries: by id, name and type (RFC 5452 §9.1; resolvers ask with many ids from one port). */
export class DnsQueries implements DatagramReader {
  readonly #context: InterpreterContext
  readonly #waiting = new Map<string, Query>()

  constructor(context: InterpreterContext) {
    this.#context = context
  }

  datagram(direction: Direction, bytes: Buffer, datagramId: number, time: number): void {
    let message: DnsMessage
    try {
      message = decodeDns(bytes)
    } catch (thrown) {
      this.#context.event({ kind: 'undecodable', text: reasonOf(thrown), time, direction, messageId: datagramId })
      return
    }
    const asker = message.response === (direction === 'down') ? 'up' : 'down'
    const key = message.response ? this.#keyAnswered(message, asker) : keyOf(message, asker)
    if (!message.response) {
      this.#ask({ id: this.#context.store.newId(), datagramId, message, started: time }, key)
      return
    }
    const query = this.#waiting.get(key)
    if (query === undefined) {
      this.#context.event({ kind: 'dns-unasked', text: `an answer that no query waits for: id ${message.id}, ${message.questions[0]?.name ?? 'no name'}`, time, direction, messageId: datagramId })
      return
    }
    this.#waiting.delete(key)
    this.#save(query, { message, time, datagramId })
  }

  close(): void {
    for (const query of this.#waiting.values()) this.#save(query, null, 'no answer')
    this.#waiting.clear()
  }

  /** A server that can't read or won't serve a query may leave the question out: then the id has to do. */
  #keyAnswered(message: DnsMessage, asker: Direction): string {
    if (message.questions.length > 0) return keyOf(message, asker)
    const start = `${asker} ${message.id} `
    for (const key of this.#waiting.keys()) if (key.startsWith(start)) return key
    return start
  }

  #ask(query: Query, key: string): void {
    // The same question again with the same id is a retry: the first stays unanswered.
    const before = this.#waiting.get(key)
    if (before !== undefined) this.#save(before, null, 'no answer before it was asked again')
    this.#waiting.delete(key)
    if (this.#waiting.size >= mostWaiting) {
      const [oldest, forgotten] = this.#waiting.entries().next().value!
      this.#waiting.delete(oldest)
      this.#save(forgotten, null, 'no answer')
    }
    this.#waiting.set(key, query)
    this.#save(query, null)
  }

  #save(query: Query, answer: { message: DnsMessage, time: number, datagramId: number } | null, error: string | null = null): void {
    const { store, connection } = this.#context
    const { message } = query
    const question = message.questions[0]
    store.write('dns_query', {
      id: query.id, connection_id: connection.id, datagram_id: query.datagramId, answer_datagram_id: answer?.datagramId ?? null,
      dns_id: message.id, name: question?.name ?? null, type: question?.type ?? null, class: question?.class ?? null,
      opcode: message.opcode, flags: [...message.flags, ...(answer?.message.flags.filter((flag) => !message.flags.includes(flag)) ?? [])].join(','),
      rcode: answer?.message.rcode ?? null, started: query.started, answered: answer?.time ?? null,
      answers: answer?.message.records.filter(({ section }) => section === 'answer').length ?? 0, error,
    })
    if (answer === null) {
      if (error !== null) store.countRecord()
      return
    }
    store.countRecord()
    for (const [position, record] of answer.message.records.entries()) {
      store.write('dns_answer', {
        query_id: query.id, position, section: record.section, name: record.name, type: record.type, class: record.class,
        ttl: record.ttl, data: record.data,
      })
    }
  }
}

/** Names differ in case between query and answer where somebody plays 0x20 games: it is the same name (RFC 4343). */
function keyOf({ id, questions }: DnsMessage, asker: Direction): string {
  const [question] = questions
  return `${asker} ${id} ${question?.name.toLowerCase() ?? ''} ${question?.type ?? ''}`
}
