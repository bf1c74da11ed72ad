import { createHash } from 'node:crypto'
import { bringsListing, parseListing } from '../../protocols/ftp/index.js'
import type { Direction } from '../../protocols/decoder.js'
import type { ConnectionRow, Store } from '../store.js'

/** A listing is parsed up to this size; a larger one is still recorded whole. */
const listingLimit = 4 * 1024 * 1024

export interface TransferStart {
  readonly id: number
  readonly sessionId: number
  readonly commandId: number
  readonly verb: string
  readonly direction: Direction
  readonly path: string | null
  readonly type: string
  readonly transferMode: string
  readonly structure: string
  readonly restartOffset: number
  readonly sizeTold: number | null
  readonly started: number
}

/** How the data connection came about. Times in µs. */
export interface DataFacts {
  readonly connection: ConnectionRow
  readonly mode: 'passive' | 'active'
  readonly form: string
}

/**
 * One transfer, from the command that asked for it until both have come: its final reply, and the end of its data
 * connection, in either order (RFC 959 §5.1 leaves it open).
 */
export class FtpTransfer {
  readonly start: TransferStart
  /** Absolute, where the folder is known by the time of the reply. */
  path: string | null
  restartOffset: number
  readonly #store: Store
  #sizeTold: number | null
  #data: DataFacts | null = null
  #begun = false
  #reply: { code: number, text: string, at: number } | null = null
  #firstByte: number | null = null
  #lastByte: number | null = null
  #bytes = 0
  #hash = createHash('sha256')
  #listing: Buffer[] | null
  #closed: { at: number, error: string | null } | null = null
  #controlLost: string | null = null
  #saved = false
  #over = false

  constructor(start: TransferStart, store: Store) {
    this.start = start
    this.#store = store
    this.path = start.path
    this.restartOffset = start.restartOffset
    this.#sizeTold = start.sizeTold
    this.#listing = bringsListing(start.verb) ? [] : null
  }

  /** Nothing more will come: the row is final. */
  get over(): boolean {
    return this.#over
  }

  get hasData(): boolean {
    return this.#data !== null
  }

  /** The server said that it begins, or data came. */
  get begun(): boolean {
    return this.#begun || this.#bytes > 0
  }

  detach(): void {
    this.#data = null
    this.#settle()
  }

  attach(data: DataFacts): void {
    this.#data = data
  }

  received(bytes: Buffer, time: number): void {
    this.#firstByte ??= time
    this.#lastByte = time
    this.#bytes += bytes.length
    this.#hash.update(bytes)
    if (this.#listing === null) return
    if (this.#bytes <= listingLimit) this.#listing.push(Buffer.from(bytes))
    else this.#listing = null
  }

  replied(code: number, text: string, at: number): void {
    if (code < 200) {
      this.#begun = true
      const told = /\((\d+) bytes\)/i.exec(text)?.[1]
      if (told !== undefined) this.#sizeTold ??= Number(told)
      return
    }
    this.#reply = { code, text, at }
    this.#settle()
  }

  dataClosed(at: number, error: string | null): void {
    this.#closed = { at, error }
    this.#settle()
  }

  /** No final reply will come any more. */
  controlClosed(reason: string): void {
    if (this.#reply === null) this.#controlLost = reason
    this.#settle()
  }

  save(): void {
    const { start } = this
    const data = this.#data
    const { outcome, error } = this.#outcome()
    this.#store.write('ftp_transfer', {
      id: start.id, session_id: start.sessionId, command_id: start.commandId, connection_id: data?.connection.id ?? null,
      verb: start.verb, direction: start.direction, path: this.path, type: start.type, transfer_mode: start.transferMode,
      structure: start.structure, mode: data?.mode ?? null, form: data?.form ?? null,
      dialled_by: data === null ? null : data.mode === 'passive' ? 'client' : 'server',
      restart_offset: this.restartOffset, size_told: this.#sizeTold, started: start.started,
      prepared: data?.connection.opened ?? null, connected: data?.connection.connected ?? null,
      first_byte: this.#firstByte, last_byte: this.#lastByte, closed: this.#closed?.at ?? null, replied: this.#reply?.at ?? null,
      bytes: this.#bytes, sha256: this.#over && data !== null ? this.#hash.copy().digest('hex') : null,
      code: this.#reply?.code ?? null, text: this.#reply?.text ?? null, outcome, error,
    })
    this.#saved = true
  }

  #settle(): void {
    if (this.#over) return
    const dataOver = this.#data === null ? !this.#begun || this.#reply === null || this.#reply.code >= 400 || this.#controlLost !== null : this.#closed !== null
    if (!dataOver || (this.#reply === null && this.#controlLost === null)) {
      if (this.#saved) this.save()
      return
    }
    this.#over = true
    this.save()
    this.#store.countRecord()
    this.#saveListing()
  }

  /** A closed data connection alone proves nothing: only the final reply says that a transfer is complete. */
  #outcome(): { outcome: string, error: string | null } {
    const reply = this.#reply
    if (reply === null) {
      return this.#controlLost === null ? { outcome: 'open', error: null }
        : { outcome: 'aborted', error: `no final reply: ${this.#controlLost}` }
    }
    if (reply.code >= 400) {
      const error = `${reply.code} ${reply.text.split('\n')[0]}`
      return { outcome: this.begun ? 'aborted' : 'refused', error }
    }
    if (!this.#over) return { outcome: 'open', error: null }
    const cut = this.#closed?.error ?? null
    return cut === null ? { outcome: 'completed', error: null } : { outcome: 'aborted', error: cut }
  }

  #saveListing(): void {
    if (this.#listing === null || this.#listing.length === 0) return
    for (const [position, entry] of parseListing(this.start.verb, Buffer.concat(this.#listing)).entries()) {
      this.#store.write('ftp_listing', {
        transfer_id: this.start.id, position, name: entry.name, type: entry.type, size: entry.size,
        modified: entry.modified, modified_text: entry.modifiedText,
      })
    }
    this.#listing = null
  }
}
