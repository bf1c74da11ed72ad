import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Recording } from 'wiretape'
import type { Direction } from '../../src/protocols/decoder.js'
import { Ingest } from '../../src/recording/ingest.js'
import { RecordingFile } from '../../src/recording/recording-file.js'
import { opening } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

/** A recording that is written entry by entry, at times of the test's choosing: hours of traffic take no time. */
export class RecordedSessions {
  readonly file: RecordingFile
  readonly #path: string
  readonly #t: ExecutionContext
  readonly #ingest: Ingest
  readonly #offsets = new Map<string, number>()

  constructor(t: ExecutionContext) {
    this.#t = t
    this.#path = join(temporaryFolder(t), 'test.sqlite')
    this.file = new RecordingFile({ path: this.#path, append: false, facts: {} })
    this.#ingest = new Ingest(this.file.store)
  }

  /** @param session names it; one that wasn't there before is opened. @param seconds since the beginning. */
  datagram(session: number, direction: Direction, bytes: Buffer, seconds: number): void {
    if (!this.#offsets.has(`${session} up`)) {
      const end = { host: '127.0.0.1', port: session }
      this.#ingest.note(session, Math.round(seconds * 1e6), JSON.stringify({ type: 'opened', relay: 1, protocol: 'udp', transport: 'udp', client: end, listen: end, server: end, decode: 'dns' }))
      this.#offsets.set(`${session} up`, 0).set(`${session} down`, 0)
    }
    const offset = this.#offsets.get(`${session} ${direction}`)!
    this.#ingest.received(session, direction, Math.round(seconds * 1e6), offset, bytes)
    this.#offsets.set(`${session} ${direction}`, offset + bytes.length)
  }

  sent(session: number, direction: Direction, offset: number, replaced: number, bytes: Buffer, seconds: number): void {
    this.#ingest.sent(session, direction, Math.round(seconds * 1e6), offset, bytes, replaced, 'datagram')
  }

  /** What the writer does several times a second. */
  flush(seconds: number): void {
    this.#ingest.flush()
    this.file.store.flush(Math.round(seconds * 1e6))
  }

  close(session: number, seconds: number): void {
    this.#ingest.note(session, Math.round(seconds * 1e6), JSON.stringify({ type: 'closed', reason: 'idle timeout', error: null }))
  }

  /** What has been written so far. */
  read(): Recording {
    this.#ingest.flush()
    this.file.store.commit()
    return opening(this.#t, this.#path)
  }
}
