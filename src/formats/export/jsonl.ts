import type { Recording } from '../../recording/recording.js'

type Numbered = { readonly id: number }

/**
 * One record a line, in the order of the timeline: what `ls --json` prints, and under the name of its kind what `show --json` does.
 * docs/export.md lists the fields.
 */
export function* jsonLines(recording: Recording, where: string | undefined): Generator<string> {
  const selection = where === undefined ? {} : { matching: where }
  const details: Record<string, Following<Numbered>> = {
    exchange: new Following(recording.exchanges(selection)),
    session: new Following(recording.ftpSessions(selection)),
    command: new Following(recording.ftpCommands(selection)),
    transfer: new Following(mapped(recording.ftpTransfers(selection), (transfer) => ({ ...transfer, listing: recording.ftpListing(transfer.id) }))),
    query: new Following(mapped(recording.dnsQueries(selection), (query) => ({ ...query, records: recording.dnsAnswers(query.id) }))),
    datagram: new Following(mapped(recording.datagrams(selection), (datagram) => ({ ...datagram, bytes: datagram.bytes.toString('base64') }))),
    connection: new Following(recording.connections(selection)),
  }
  try {
    for (const record of recording.records(where === undefined ? {} : { where })) {
      yield `${JSON.stringify({ ...record, [record.kind]: details[record.kind]?.at(record.id) ?? null })}\n`
    }
  } finally {
    for (const following of Object.values(details)) following.end()
  }
}

/** Rows in the order of their ids, read side by side with the timeline, which is in that order too. */
class Following<T extends Numbered> {
  readonly #rows: Iterator<T>
  #next: IteratorResult<T> | null = null

  constructor(rows: Iterator<T>) {
    this.#rows = rows
  }

  at(id: number): T | null {
    this.#next ??= this.#rows.next()
    while (this.#next.done !== true && this.#next.value.id < id) this.#next = this.#rows.next()
    return this.#next.done !== true && this.#next.value.id === id ? this.#next.value : null
  }

  end(): void {
    this.#rows.return?.()
  }
}

function* mapped<T, U>(rows: Iterable<T>, change: (row: T) => U): Generator<U> {
  for (const row of rows) yield change(row)
}
