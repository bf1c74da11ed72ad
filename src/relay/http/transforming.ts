import { contentEncoding } from '../../protocols/content/coding.js'
import type { SpanKind } from '../../protocols/decoder.js'
import { chunkEnd, chunkStart, encodeFields } from '../../protocols/http1/index.js'
import type { Headers, TrailersEvent } from '../../protocols/http1/index.js'
import { copiesOf } from '../copies.js'
import type { Course, Passage } from './passage.js'
import { throughTransforms } from './streaming.js'
import type { TransformUse } from './transforms.js'
import { askAboutTrailers } from './trailers.js'

/** Bytes that may wait for a stream that is slower than the sender. */
const mostWaiting = 128 * 1024

/** The body goes through streams of plugins as it comes, and on in chunks of our own. */
export class Transforming implements Course {
  readonly #passage: Passage
  readonly #waiting: Buffer[] = []
  #waitingBytes = 0
  #held = false
  #wake: (() => void) | null = null
  #ended = false
  #cut = false
  /** Stream offsets: of the end of what came, and of what is accounted for by what went out. */
  #in: number
  #out: number
  #trailers: Headers = []
  #failing: TransformUse | null = null

  constructor(passage: Passage) {
    this.#passage = passage
    this.#in = passage.bodyStart
    this.#out = passage.bodyStart
    void this.#run()
  }

  span(kind: SpanKind, start: number, bytes: Buffer): void {
    this.#in = start + bytes.length
    if (kind !== 'body') return
    this.#waiting.push(...copiesOf(bytes))
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes > mostWaiting) this.#hold()
    this.#wakeUp()
  }

  trailers(event: TrailersEvent): void {
    askAboutTrailers(this.#passage, event, (fields) => { this.#trailers = fields ?? event.headers })
  }

  end(end: number, complete: boolean): void {
    this.#in = Math.max(this.#in, end)
    this.#ended = true
    this.#cut = !complete
    // What follows waits until all has gone out.
    if (complete) this.#hold()
    this.#wakeUp()
  }

  async #run(): Promise<void> {
    const { head, plugins, place, out } = this.#passage
    const { uses } = head.transforms
    try {
      for await (const bytes of throughTransforms(this.#taken(), uses, contentEncoding(head.headers.fields), (use) => { this.#failing = use })) {
        this.#emit(bytes)
        await this.#passage.room()
      }
    } catch (thrown) {
      if (!this.#cut) plugins.failed((this.#failing ?? uses[0]!).member, `${this.#passage.direction === 'up' ? 'http.request' : 'http.response'} transformBody`, thrown, place)
      this.#passage.cut('cut for a plugin')
      return
    }
    if (this.#cut) return
    // A stream may end before its input does: the rest is taken and goes nowhere.
    for await (const _ of this.#taken()) { /* read on to the end */ }
    if (this.#cut) return
    const last = this.#passage.streaming === 'chunked' ? Buffer.concat([chunkStart(0), encodeFields(this.#trailers), chunkEnd]) : Buffer.alloc(0)
    out.replace(this.#out, this.#in - this.#out, last, 'framing')
    out.flush()
    this.#passage.over()
    if (this.#held) this.#passage.inflow.release()
  }

  /** The last received byte is left for what ends the body: nothing of it can then be taken for the next message's. */
  #emit(bytes: Buffer): void {
    const { out, streaming } = this.#passage
    const until = Math.max(this.#out, this.#in - 1)
    const replaced = until - this.#out
    this.#out = until
    if (streaming === 'chunked') {
      out.replace(until - replaced, replaced, chunkStart(bytes.length), 'framing')
      out.replace(until, 0, bytes, 'body')
      out.replace(until, 0, chunkEnd, 'framing')
    } else {
      out.replace(until - replaced, replaced, bytes, 'body')
    }
    out.flush()
  }

  async* #taken(): AsyncGenerator<Buffer> {
    for (;;) {
      const bytes = this.#waiting.shift()
      if (bytes !== undefined) {
        this.#waitingBytes -= bytes.length
        if (this.#held && !this.#ended && this.#waitingBytes <= mostWaiting / 2) {
          this.#held = false
          this.#passage.inflow.release()
        }
        yield bytes
      } else if (this.#ended) {
        if (this.#cut) throw new Error('the body was cut')
        return
      } else {
        await new Promise<void>((resolve) => { this.#wake = resolve })
      }
    }
  }

  #hold(): void {
    if (this.#held) return
    this.#held = true
    this.#passage.inflow.hold()
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }
}
