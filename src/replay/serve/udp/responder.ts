import type { Address } from '../../../recording/notes.js'
import type { Recording } from '../../../recording/recording.js'
import type { DnsQuery } from '../../../recording/rows.js'
import { quote } from '../../../protocols/quote.js'
import type { Miss } from '../miss.js'
import { RecordedAnswers } from './answers.js'
import type { Answer } from './answers.js'
import { asAnswerFor, readDnsAsked } from './dns-question.js'
import type { DnsAsked } from './dns-question.js'
import type { RecordedQuestions } from './recorded-questions.js'
import { ClosestDatagram, Explanations, unexplained } from './unknown.js'

/** Finds the recorded answers to a datagram. */
export class Responder {
  readonly #recording: Recording
  readonly #questions: RecordedQuestions
  readonly #answers: RecordedAnswers
  readonly #closest: ClosestDatagram
  readonly #explanations = new Explanations()
  readonly #onNote: (text: string) => void
  #noted = false
  /** Queries among which the closest is looked for; null until one is wanted. */
  #candidates: readonly DnsQuery[] | null = null

  /** @param onNote told once, where it isn't clear which question an answer belongs to. */
  constructor(recording: Recording, questions: RecordedQuestions, onNote: (text: string) => void) {
    this.#onNote = onNote
    this.#recording = recording
    this.#questions = questions
    this.#answers = new RecordedAnswers(recording)
    this.#closest = new ClosestDatagram(questions.datagrams, this.#answers)
  }

  /** @returns what to answer, which may be nothing, as it was then; or why there is no answer. */
  answer(bytes: Buffer, client: Address): readonly Answer[] | Miss {
    const asked = this.#questions.queries.size === 0 ? null : readDnsAsked(bytes)
    return asked !== null && !this.#questions.datagrams.has(bytes) ? this.#toQuery(asked, bytes, client) : this.#toDatagram(bytes, client)
  }

  #toDatagram(bytes: Buffer, client: Address): readonly Answer[] | Miss {
    const { datagrams } = this.#questions
    const id = datagrams.next(bytes)
    const plain = { protocol: 'udp', client, asked: `${bytes.length} bytes ${quote(bytes.toString('latin1'))}` } as const
    const recorded = id === null ? null : this.#answers.datagram(id)
    if (recorded === null || !recorded.bytes.equals(bytes)) {
      const last = datagrams.last(bytes)
      if (recorded === null && last !== null) {
        return { ...plain, kind: 'exhausted', closest: last, differs: [], text: `all recorded answers to this datagram have been given; the last was to ${last}` }
      }
      if (datagrams.size + this.#questions.queries.size === 0) return { ...plain, kind: 'unknown', closest: null, differs: [], text: 'nothing was recorded over udp' }
      return { ...plain, ...this.#explanations.next() ? this.#closest.explain(bytes) : unexplained('no such datagram was recorded') }
    }
    const { given: answers, uncertain } = this.#answers.to(recorded)
    if (uncertain !== null && !this.#noted) {
      this.#noted = true
      this.#onNote(`${uncertain.questions} datagrams of one session were sent before an answer came, and ${uncertain.answers} came: the last of them gets these (datagram ${recorded.id} is one; others aren't told)`)
    }
    if (answers.length === 0 && this.#recording.connection(recorded.connectionId).droppedDown > 0) {
      return { ...plain, kind: 'incomplete', closest: recorded.id, differs: [], text: `no answer to datagram ${recorded.id} was recorded, and datagrams of its session are missing (the disk was too slow)` }
    }
    return answers
  }

  #toQuery({ key, text }: DnsAsked, bytes: Buffer, client: Address): readonly Answer[] | Miss {
    const { queries } = this.#questions
    const id = queries.next(key)
    const plain = { protocol: 'udp', client, asked: text, differs: [] } as const
    const query = id === null ? null : this.#query(id)
    if (query !== null) return this.#answersTo(query).map(({ bytes: recorded, gap }) => ({ bytes: asAnswerFor(bytes, recorded), gap }))
    const last = queries.last(key)
    if (last !== null) return { ...plain, kind: 'exhausted', closest: last, text: `all recorded answers to ${text} have been given; the last is ${last}` }
    return { ...plain, ...this.#explanations.next() ? this.#closestQuery(text) : unexplained(`${text} was never asked`) }
  }

  #answersTo({ answerDatagramId, answered, connectionId, started }: DnsQuery): Answer[] {
    const got = answerDatagramId !== null ? this.#answers.insteadOf(answerDatagramId)
      : answered !== null ? this.#answers.supplied(connectionId, answered) : []
    return got.map(({ bytes, time }) => ({ bytes, gap: Math.max(0, time - started) }))
  }

  /** The same name with another type, or else one whose name ends alike. */
  #closestQuery(text: string): Pick<Miss, 'kind' | 'closest' | 'differs' | 'text'> {
    const [name = '', type = ''] = text.split(' ')
    let best: { query: DnsQuery, score: number } | null = null
    this.#candidates ??= [...this.#recording.dnsQueries({ where: `id IN (${[...this.#questions.queries.firsts(500)].join(', ')})` })]
    for (const query of this.#candidates) {
      const score = sameEnd(name.toLowerCase(), query.name?.toLowerCase() ?? '') * 2 + (query.type === type ? 1 : 0)
      if (best === null || score > best.score) best = { query, score }
    }
    if (best === null) return { kind: 'unknown', closest: null, differs: [], text: `${text} was never asked` }
    const { query } = best
    const differs = [
      ...query.name?.toLowerCase() === name.toLowerCase() ? [] : [{ field: 'name', came: name, recorded: query.name }],
      ...query.type === type ? [] : [{ field: 'type', came: type, recorded: query.type }],
    ]
    return { kind: 'unknown', closest: query.id, differs, text: `${text} was never asked; the closest is ${query.id}, ${query.name ?? 'no name'} ${query.type ?? ''}` }
  }

  #query(id: number): DnsQuery | null {
    return [...this.#recording.dnsQueries({ where: `id = ${id}`, limit: 1 })][0] ?? null
  }
}

function sameEnd(a: string, b: string): number {
  let same = 0
  while (same < a.length && same < b.length && a.at(-1 - same) === b.at(-1 - same)) same++
  return same
}
