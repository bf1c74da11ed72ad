import type { Direction } from '../../../protocols/decoder.js'
import type { Recording } from '../../../recording/recording.js'
import type { Segment, UdpDatagram } from '../../../recording/rows.js'

export interface Answer {
  readonly bytes: Buffer
  /** µs after the question. */
  readonly gap: number
}

export interface Answers {
  readonly given: Answer[]
  /** So many questions were in flight, and so many answers came: the last question has them. Null where that is no guess. */
  readonly uncertain: { readonly questions: number, readonly answers: number } | null
}

const nothing: Answers = { given: [], uncertain: null }

/** Datagrams that may answer one question. */
const mostAnswers = 10_000

/** Rows of the file among which a neighbour is looked for first: it is nearly always there, and an index would have the whole session sorted. */
const near = 1000

/** Reads from a recording what clients got for their datagrams. */
export class RecordedAnswers {
  readonly #recording: Recording

  constructor(recording: Recording) {
    this.#recording = recording
  }

  datagram(id: number): UdpDatagram | null {
    return [...this.#recording.datagrams({ where: `id = ${id}`, limit: 1 })][0] ?? null
  }

  /** Several datagrams, in one query. */
  *datagrams(ids: readonly number[]): Generator<UdpDatagram> {
    yield* this.#recording.datagrams({ where: `id IN (${ids.join(', ')})` })
  }

  /**
   * What the client of a session got for a datagram of its. Several that it sent before an answer came are dealt those that came before
   * the next: each its own where there are as many, else the last has them all.
   */
  to({ id, connectionId, time }: UdpDatagram): Answers {
    const from = this.#received(id)
    if (from === null) return nothing
    const first = this.#firstOf(connectionId, 'down', from.id)
    if (first === null) return nothing
    const earlier = this.#lastAnswerBefore(connectionId, from.id)
    const questions = this.#between(connectionId, 'up', earlier?.id ?? 0, first.id)
    const next = this.#firstOf(connectionId, 'up', first.id)
    const answers = this.#between(connectionId, 'down', first.id - 1, next?.id ?? Infinity)
      .filter(({ leg, messageId, replaces }) => leg === 'received' || (messageId === null && replaces === 0))
    const dealt = questions.length === answers.length
    const own = dealt ? answers.slice(questions.findIndex((one) => one.id === from.id)).slice(0, 1) : questions.at(-1)?.id === from.id ? answers : []
    return {
      given: own.flatMap((segment) => this.#given(segment)).map(({ bytes, time: at }) => ({ bytes, gap: Math.max(0, at - time) })),
      // One answer after several questions is what datagrams without an answer look like.
      uncertain: dealt || questions.length < 2 || answers.length < 2 ? null : { questions: questions.length, answers: answers.length },
    }
  }

  /** What the client got in the place of a server's datagram, or as it was. */
  insteadOf(datagramId: number): Segment[] {
    const received = this.#received(datagramId)
    return received === null ? [] : this.#given(received)
  }

  /** What a plugin answered in the server's stead, at that time. */
  supplied(connectionId: number, time: number): Segment[] {
    return [...this.#recording.segments({
      where: `connection_id = ${connectionId} AND direction = 'down' AND leg = 'sent' AND message_id IS NULL AND time = ${time}`, limit: 1,
    })]
  }

  /** What was sent in one direction of a session, after one segment and before another. */
  #between(connectionId: number, direction: Direction, after: number, before: number): Segment[] {
    const sent = before - after <= near ? byPlace(connectionId, direction) : byIndex(connectionId, direction)
    return [...this.#recording.segments({ where: before === Infinity ? sent : `${sent} AND id < ${before}`, after, limit: mostAnswers })]
  }

  #firstOf(connectionId: number, direction: Direction, after: number): Segment | null {
    const one = (where: string): Segment | undefined => [...this.#recording.segments({ where, after, limit: 1 })][0]
    return one(`${byPlace(connectionId, direction)} AND id <= ${after + near}`) ?? one(byIndex(connectionId, direction)) ?? null
  }

  #lastAnswerBefore(connectionId: number, before: number): Segment | null {
    const one = (id: string): Segment | undefined => [...this.#recording.segments({ where: `id = (${id})`, limit: 1 })][0]
    return one(`SELECT max(id) FROM segment WHERE ${byPlace(connectionId, 'down')} AND id < ${before} AND id >= ${before - near}`)
      // Without the sign all of the file that is before would be gone through.
      ?? one(`SELECT max(+id) FROM segment WHERE ${byIndex(connectionId, 'down')} AND +id < ${before}`) ?? null
  }

  #given(segment: Segment): Segment[] {
    const { leg, messageId, replaces, bytes } = segment
    // A replacement is found with what it replaces; what replaces nothing and belongs to nothing was a plugin's own answer.
    if (leg === 'sent') return messageId === null && replaces === 0 ? [segment] : []
    if (messageId === null) return [segment]
    const sent = [...this.#recording.segments({ where: `message_id = ${messageId} AND leg = 'sent'` })]
    const instead = bytes.length === 0 ? [] : sent.filter(({ replaces: length }) => length === bytes.length)
    const copies = sent.filter((one) => !instead.includes(one))
    // What was dropped was replaced by nothing.
    return [...instead.length === 0 ? [segment] : instead.filter(({ bytes: own }) => own.length > 0), ...copies]
  }

  #received(datagramId: number): Segment | null {
    return [...this.#recording.segments({ where: `message_id = ${datagramId} AND leg = 'received'`, limit: 1 })][0] ?? null
  }
}

/** Segments of a session, found by the index of its connection. */
function byIndex(connectionId: number, direction: Direction): string {
  return `connection_id = ${connectionId} AND direction = '${direction}'${direction === 'up' ? ' AND leg = \'received\'' : ''}`
}

/** The same, found by going through rows: for a few of them. */
function byPlace(connectionId: number, direction: Direction): string {
  return `+connection_id = ${connectionId} AND +direction = '${direction}'${direction === 'up' ? ' AND leg = \'received\'' : ''}`
}
