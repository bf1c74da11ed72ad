import type { ConnectionRow, Store } from '../store.js'

/** The row of a control connection. */
export class FtpSession {
  readonly id: number
  readonly #store: Store
  readonly #connection: ConnectionRow
  #user: string | null = null
  #greeting: string | null = null
  #system: string | null = null
  #features: string | null = null
  #tls = false
  #outcome: string | null = null
  #dirty = true

  constructor(store: Store, connection: ConnectionRow) {
    this.id = store.newId()
    this.#store = store
    this.#connection = connection
  }

  user(name: string | null): void {
    this.#user = name
    this.#dirty = true
  }

  encrypted(): void {
    this.#tls = true
    this.#dirty = true
  }

  greeted(code: number, text: string): void {
    if (code >= 200) this.#greeting ??= `${code} ${text}`
    this.#dirty = true
    this.#lost(code, text)
  }

  /** A command has its final reply. */
  answered(verb: string, code: number, text: string): void {
    const done = code >= 200 && code < 300
    if (verb === 'SYST' && done) this.#system = text
    else if (verb === 'FEAT' && code === 211) this.#features = text.split('\n').slice(1, -1).map((line) => line.trim()).join('\n')
    else if (verb === 'QUIT' && done) this.#outcome = 'quit'
    // Others change nothing of the row.
    this.#dirty ||= verb === 'SYST' || verb === 'FEAT' || verb === 'QUIT'
    this.#lost(code, text)
  }

  flush(): void {
    if (this.#dirty) this.#save(null)
  }

  /** @param reason how it ended, where nothing that was said tells. */
  ended(time: number, reason: string): void {
    this.#outcome ??= reason
    this.#save(time)
  }

  /** The server gives up (RFC 959 §5.4). */
  #lost(code: number, text: string): void {
    if (code !== 421) return
    this.#outcome = `421 ${text}`
    this.#dirty = true
  }

  #save(ended: number | null): void {
    this.#dirty = false
    this.#store.write('ftp_session', {
      id: this.id, connection_id: this.#connection.id, user: this.#user, greeting: this.#greeting, system: this.#system,
      features: this.#features, tls: this.#tls ? 1 : 0, started: this.#connection.opened, ended,
      outcome: ended === null ? null : this.#outcome,
    })
  }
}
