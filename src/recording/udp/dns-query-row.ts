import type { DnsMessage } from '../../protocols/dns/message.js'
import type { Store } from '../store.js'
import type { Told } from './datagram-reader.js'

/**
 * A row of `dns_query`, from the question to its answer. Of the message it keeps what the row has: a query can carry thousands of
 * records, and thousands of queries may wait.
 */
export class DnsQueryRow implements Told {
  readonly started: number
  readonly #store: Store
  readonly #row: Record<string, string | number | null>
  #counted = false

  constructor(store: Store, connectionId: number, datagramId: number, { id, questions: [question], opcode, flags }: DnsMessage, started: number) {
    this.started = started
    this.#store = store
    this.#row = {
      id: store.newId(), connection_id: connectionId, datagram_id: datagramId, answer_datagram_id: null,
      dns_id: id, name: question?.name ?? null, type: question?.type ?? null, class: question?.class ?? null,
      opcode, flags: flags.join(','), rcode: null, started, answered: null, answers: 0, error: null, changed: 0,
    }
    this.#write()
  }

  /** @param datagramId null for an answer that no server gave. */
  answered({ rcode, flags, records }: DnsMessage, time: number, datagramId: number | null): void {
    const row = this.#row
    row['flags'] = [...new Set([...(row['flags'] as string).split(','), ...flags])].filter((flag) => flag !== '').join(',')
    row['answers'] = records.filter(({ section }) => section === 'answer').length
    Object.assign(row, { answer_datagram_id: datagramId, rcode, answered: time, error: null })
    this.#over()
    for (const [position, { section, name, type, class: klass, ttl, data }] of records.entries()) {
      this.#store.write('dns_answer', { query_id: row['id']!, position, section, name, type, class: klass, ttl, data })
    }
  }

  /** No answer has come. One that comes later takes that back. */
  failed(error: string): void {
    this.#row['error'] = error
    this.#over()
  }

  changed(): void {
    if (this.#row['changed'] === 1) return
    this.#row['changed'] = 1
    this.#write()
  }

  #over(): void {
    this.#write()
    if (!this.#counted) this.#store.countRecord()
    this.#counted = true
  }

  #write(): void {
    this.#store.write('dns_query', this.#row)
  }
}
