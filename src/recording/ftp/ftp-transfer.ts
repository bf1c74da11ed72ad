import { bringsListing, parseListing, sizeInReply } from '../../protocols/ftp/index.js'
import type { Direction } from '../../protocols/decoder.js'
import type { ConnectionRow, Store } from '../store.js'
import type { DataContent } from './data-content.js'

export interface TransferStart {
  readonly id: number
  readonly sessionId: number
  readonly commandId: number
  readonly ordinal: number
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

/** A data connection: how it came about, and what it carries. */
export interface DataFacts {
  readonly connection: ConnectionRow
  readonly mode: 'passive' | 'active'
  readonly form: string
  readonly content: Readonly<Record<Direction, DataContent>>
}

/**
 * One transfer, from the command that asked for it until both have come: its final reply, and the end of its data
 * connection, in either order (RFC 959 §5.1 leaves it open).
 */
export class FtpTransfer {
  readonly start: TransferStart
  /** Absolute, where the folder is known by the time of the reply. */
  path: string | null
  readonly #store: Store
  readonly #onOver: (transfer: FtpTransfer) => void
  #restartOffset: number
  #sizeTold: number | null
  #prepared: number | null = null
  #data: DataFacts | null = null
  #begun = false
  #reply: { code: number, text: string, at: number } | null = null
  #closed: { at: number, error: string | null } | null = null
  #controlLost: string | null = null
  /** Why the recording can't say how it ended, or what all its bytes are. */
  #gap: string | null = null
  /** Its data connection is kept, but not followed to its end. */
  #unfollowed = false
  #changed = false
  #dirty = true
  #over = false

  /** @param onOver called once, when the row is final. */
  constructor(start: TransferStart, store: Store, onOver: (transfer: FtpTransfer) => void) {
    this.start = start
    this.#store = store
    this.#onOver = onOver
    this.path = start.path
    this.#restartOffset = start.restartOffset
    this.#sizeTold = start.sizeTold
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
    return this.#begun || (this.#content?.bytes ?? 0) > 0
  }

  /** The server says that it is done, and no data connection was seen. */
  get repliedWithoutData(): boolean {
    return !this.#over && this.#reply !== null && this.#data === null
  }

  /** The port that it uses was prepared then, in µs; null where that isn't known yet. */
  preparedAt(time: number | null): void {
    this.#prepared = time
    this.#dirty = true
  }

  /** The server refused to start elsewhere than at the beginning. */
  restartRefused(): void {
    this.#restartOffset = 0
    this.#dirty = true
  }

  attach(data: DataFacts): void {
    this.#data = data
    for (const direction of ['up', 'down'] as const) {
      data.content[direction].is(direction === this.start.direction && bringsListing(this.start.verb) ? 'listing' : 'file')
    }
    this.#dirty = true
  }

  detach(): void {
    this.#data = null
    this.#settle()
  }

  /** Its data connection carried something. */
  carried(): void {
    this.#dirty = true
  }

  /** Other bytes were sent on than were received. */
  sentOtherwise(): void {
    this.#changed = true
    this.#dirty = true
  }

  replied(code: number, text: string, at: number): void {
    if (code < 200) {
      this.#begun = true
      this.#sizeTold = sizeInReply(text) ?? this.#sizeTold
      this.#dirty = true
      return
    }
    this.#reply = { code, text, at }
    this.#settle()
  }

  /** The server never heard of it: a plugin answered in its stead, or nobody did. */
  answeredByPlugin(reply: { readonly code: number, readonly text: string } | null): void {
    if (this.begun || this.#reply === null) return
    this.#changed = true
    if (reply === null) this.#gap ??= 'a plugin dropped its command or its reply'
    else this.#reply = { code: reply.code, text: reply.text, at: this.#reply.at }
    if (this.#over) this.#save()
    else this.#settle()
  }

  dataClosed(at: number, error: string | null): void {
    this.#closed = { at, error }
    this.#settle()
  }

  /** No final reply will come any more. */
  replyLost(reason: string): void {
    if (this.#reply === null) this.#controlLost ??= reason
    this.#settle()
  }

  /** No final reply will come any more, and no data connection. */
  controlClosed(reason: string): void {
    this.replyLost(reason)
    this.withoutData()
  }

  /** No data connection will come any more. */
  withoutData(): void {
    if (this.#data === null && this.#begun && this.#reply !== null) this.#gap ??= 'its data connection was not seen'
    this.#settle(true)
  }

  /** What the server says of it can't be read any more. */
  replyNotRecorded(reason: string): void {
    if (this.#reply !== null) return
    this.#gap ??= reason
    this.#controlLost = reason
    this.withoutData()
  }

  /** What its data connection still carries isn't counted. */
  recordingFailed(): void {
    this.#unfollowed = true
  }

  /** Writes the row where it has changed. */
  flush(): void {
    if (this.#dirty) this.#save()
  }

  get #content(): DataContent | undefined {
    return this.#data?.content[this.start.direction]
  }

  #save(): void {
    const { start } = this
    const data = this.#data
    const content = this.#content
    const { outcome, error } = this.#outcome()
    this.#dirty = false
    this.#store.write('ftp_transfer', {
      id: start.id, session_id: start.sessionId, command_id: start.commandId, connection_id: data?.connection.id ?? null,
      verb: start.verb, direction: start.direction, path: this.path, type: start.type, transfer_mode: start.transferMode,
      structure: start.structure, mode: data?.mode ?? null, form: data?.form ?? null,
      dialled_by: data === null ? null : data.mode === 'passive' ? 'client' : 'server',
      restart_offset: this.#restartOffset, size_told: this.#sizeTold, started: start.started,
      prepared: this.#prepared, connected: data?.connection.connected ?? null,
      first_byte: content?.firstByte ?? null, last_byte: content?.lastByte ?? null,
      closed: this.#closed?.at ?? null, replied: this.#reply?.at ?? null,
      bytes: content?.bytes ?? 0, sha256: this.#over && !this.#unfollowed ? content?.sha256 ?? null : null,
      code: this.#reply?.code ?? null, text: this.#reply?.text ?? null, outcome, error, changed: this.#changed ? 1 : 0,
    })
  }

  #settle(dataless = false): void {
    if (this.#over) return
    this.#dirty = true
    const dataOver = this.#data === null ? dataless || !this.#begun || this.#reply === null || this.#reply.code >= 400 : this.#closed !== null
    if (!dataOver || (this.#reply === null && this.#controlLost === null)) return
    this.#over = true
    this.#save()
    this.#store.countRecord()
    this.#saveListing()
    this.#onOver(this)
  }

  /** A closed data connection alone proves nothing: only the final reply says that a transfer is complete. */
  #outcome(): { outcome: string, error: string | null } {
    const reply = this.#reply
    if (reply !== null && reply.code >= 400) {
      const error = `${reply.code} ${reply.text.split('\n')[0]}`
      return { outcome: this.begun ? 'aborted' : 'refused', error }
    }
    if (reply === null && this.#controlLost === null) return { outcome: 'open', error: null }
    const cut = this.#closed?.error ?? null
    const gap = this.#dataGap() ?? this.#gap
    if (reply !== null && !this.#over) return { outcome: 'open', error: null }
    if (reply !== null && cut !== null) return { outcome: 'aborted', error: cut }
    if (gap !== null) return { outcome: 'incomplete', error: gap }
    return reply === null ? { outcome: 'aborted', error: `no final reply: ${this.#controlLost}` } : { outcome: 'completed', error: null }
  }

  /** What the recording lacks of its bytes. */
  #dataGap(): string | null {
    if (this.#unfollowed) return 'its data connection was not followed to its end'
    const missing = this.#content?.missing ?? 0
    return missing === 0 ? null : `${missing} bytes not recorded`
  }

  #saveListing(): void {
    if (!bringsListing(this.start.verb)) return
    const bytes = this.#unfollowed ? null : this.#content?.listing ?? null
    if (bytes === null) return
    for (const [position, entry] of parseListing(this.start.verb, bytes).entries()) {
      this.#store.write('ftp_listing', {
        transfer_id: this.start.id, position, name: entry.name, type: entry.type, size: entry.size,
        modified: entry.modified, modified_text: entry.modifiedText,
      })
    }
  }
}
