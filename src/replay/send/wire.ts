import type { Address } from '../../recording/notes.js'
import type { Relay } from '../../relay/relay.js'
import { senderSource } from '../compare/sender-events.js'
import type { SenderEvent, ToldRecords } from '../compare/sender-events.js'

/** The relay between a sender and its target: what is dialled, and what records. */
export class Wire implements Address {
  readonly host: string
  readonly port: number
  readonly #relay: Relay
  readonly #refusals = new Map<number, (why: string) => void>()

  constructor(relay: Relay) {
    const { host, port } = relay.listeners[0]!
    this.host = host
    this.port = port
    this.#relay = relay
    relay.onUnreachable((client, why) => this.#refusals.get(client.port)?.(why))
  }

  /**
   * Puts into the new recording what only the client knows, so that whoever compares it later knows it too.
   * @param client port of the connection that it is about, while that is open; null for none. @param message its ordinal there, where it is about one.
   */
  tell(kind: SenderEvent, text: string, client: number | null = null, message?: number): void {
    this.#relay.remark({ kind, source: senderSource, text, ...(message === undefined ? {} : { message }) }, client)
  }

  /** So of records of the recording that is repeated. */
  tellRecords(kind: SenderEvent, told: Iterable<ToldRecords>): void {
    for (const { text, parameters } of told) this.#relay.remark({ kind, source: senderSource, text, parameters }, null)
  }

  /** UDP: calls back each time the target says that nobody takes what this client's port sends. */
  onRefused(client: number, listener: (why: string) => void): void {
    this.#refusals.set(client, listener)
  }

  /** UDP: this client has gone, which nobody else could know. */
  gone(client: number): void {
    this.#refusals.delete(client)
    for (const { id, client: from } of this.#relay.connections()) if (from?.port === client) this.#relay.cut(id)
  }
}
