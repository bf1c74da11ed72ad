import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Recording } from 'wiretape'
import type { Direction } from '../../src/protocols/decoder.js'
import { Ingest } from '../../src/recording/ingest.js'
import type { Note } from '../../src/recording/notes.js'
import { RecordingFile } from '../../src/recording/recording-file.js'
import { opening } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

/**
 * The recorder's worker side, given entries by the test: where what counts is the exact order of bytes, of what is left
 * out of them, and of commits. Times are µs since the beginning; every entry takes one.
 */
export class Ingesting {
  readonly path: string
  readonly ingest: Ingest
  readonly #t: ExecutionContext
  readonly #file: RecordingFile
  readonly #offsets = new Map<string, number>()
  #time = 0
  #handles = 0

  constructor(t: ExecutionContext) {
    this.#t = t
    this.path = join(temporaryFolder(t), 'test.sqlite')
    this.#file = new RecordingFile({ path: this.path, append: false, facts: {} })
    this.ingest = new Ingest(this.#file.store)
    this.#note(0, { type: 'relay', relay: 0, protocol: 'ftp', listen: { host: '127.0.0.1', port: 1 }, target: '127.0.0.1:2' })
  }

  /** A control connection, greeted. */
  control(greeting = '220 ready\r\n'): number {
    const handle = this.opens('ftp')
    this.says(handle, 'down', greeting)
    return handle
  }

  opens(protocol: string, more: Partial<Note> = {}): number {
    const handle = ++this.#handles
    const address = { host: '127.0.0.1', port: handle }
    this.#note(handle, { type: 'opened', relay: 0, protocol, transport: 'tcp', client: address, listen: address, ...more } as Note)
    return handle
  }

  /** A data connection, prepared by the command of this ordinal. */
  data(control: number, command: number): number {
    const handle = this.opens('ftp-data', { parent: control, role: 'data', ftp: { command, mode: 'passive', form: 'PASV' } })
    this.#note(handle, { type: 'connected', dial: null, tls: null })
    return handle
  }

  /** Strings are latin1. */
  says(handle: number, direction: Direction, ...pieces: (string | Buffer)[]): void {
    for (const piece of pieces) {
      const bytes = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece
      this.ingest.received(handle, direction, ++this.#time, this.#advance(handle, direction, bytes.length), bytes)
    }
  }

  loses(handle: number, direction: Direction, length: number): void {
    this.ingest.dropped(handle, direction, ++this.#time, this.#advance(handle, direction, length), length)
  }

  commits(): void {
    this.ingest.flush()
    this.#file.store.commit()
  }

  closes(handle: number, error: string | null = null): void {
    this.#note(handle, { type: 'closed', reason: 'client closed', error })
  }

  /** What is committed by now. */
  live(): Recording {
    return opening(this.#t, this.path)
  }

  recorded(): Recording {
    this.ingest.flush()
    this.#file.finish()
    return opening(this.#t, this.path)
  }

  #note(handle: number, note: Note): void {
    this.ingest.note(handle, ++this.#time, JSON.stringify(note))
  }

  #advance(handle: number, direction: Direction, length: number): number {
    const key = `${handle} ${direction}`
    const offset = this.#offsets.get(key) ?? 0
    this.#offsets.set(key, offset + length)
    return offset
  }
}
