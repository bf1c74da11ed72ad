import { Readable } from 'node:stream'
import { reasonOf } from '../../error.js'
import type { Action } from '../../plugins/actions.js'
import { contentCodings, contentEncoding, decodeContent, encodePieces } from '../../protocols/content/coding.js'
import type { SpanKind } from '../../protocols/decoder.js'
import { chunkEnd, chunkStart, encodeFields } from '../../protocols/http1/index.js'
import type { Headers, TrailersEvent } from '../../protocols/http1/index.js'
import { BodyState } from './body-state.js'
import type { Course, Passage } from './passage.js'
import { Passing } from './passing.js'
import { throughTransforms } from './streaming.js'
import { askAboutTrailers } from './trailers.js'

type Held = { readonly kind: SpanKind, readonly start: number, readonly bytes: Buffer }

/** Head and body wait until all of it is here and the plugins have seen it whole. Beyond the limit they go on unchanged. */
export class Holding implements Course {
  readonly #passage: Passage
  readonly #limit: number
  #held: Held[] = []
  #bodyBytes = 0
  #trailers: Headers = []
  #trailersChanged = false

  constructor(passage: Passage, limit: number) {
    this.#passage = passage
    this.#limit = limit
  }

  span(kind: SpanKind, start: number, bytes: Buffer): void {
    this.#held.push({ kind, start, bytes: Buffer.from(bytes) })
    if (kind !== 'body') return
    this.#bodyBytes += bytes.length
    if (this.#bodyBytes <= this.#limit) return
    tellTooLarge(this.#passage, `more than ${this.#limit} bytes`)
    this.#goOn()
  }

  trailers(event: TrailersEvent): void {
    askAboutTrailers(this.#passage, event, (fields) => {
      this.#trailers = fields ?? event.headers
      this.#trailersChanged = fields !== null
    })
  }

  end(end: number, complete: boolean): void {
    if (!complete) {
      this.#goOn((course) => course.end(end, false))
      return
    }
    const { inflow } = this.#passage
    inflow.hold()
    this.#ask(end, () => inflow.release())
  }

  /** All of it unchanged, and the rest as it comes. */
  #goOn(then: (course: Course) => void = () => {}): void {
    const passage = this.#passage
    const held = this.#held
    this.#held = []
    passage.inflow.hold()
    passage.ready(() => {
      passage.sendHead(null)
      const course = new Passing(passage)
      passage.take(course)
      for (const { kind, start, bytes } of held) course.span(kind, start, bytes)
      then(course)
      passage.inflow.release()
    })
  }

  #ask(end: number, done: () => void): void {
    const { head } = this.#passage
    const raw = Buffer.concat(this.#held.filter(({ kind }) => kind === 'body').map(({ bytes }) => bytes))
    const codings = contentCodings(contentEncoding(head.headers.fields))
    if ((codings === null || codings.length === 0) && head.transforms.uses.length === 0) {
      this.#call(raw, [], end, done)
      return
    }
    void this.#prepareAndCall(raw, codings ?? [], end, done)
  }

  async #prepareAndCall(raw: Buffer, codings: readonly string[], end: number, done: () => void): Promise<void> {
    const body = await this.#prepare(raw, codings)
    if (body !== null) {
      this.#call(body, codings, end, done)
      return
    }
    this.#goOn((course) => course.end(end, true))
    done()
  }

  /** Through the streams of plugins, and with the coding undone; null where that can't be. */
  async #prepare(raw: Buffer, codings: readonly string[]): Promise<Buffer | null> {
    const { head, plugins, place, bodyHook } = this.#passage
    let failing = head.transforms.uses[0]
    try {
      const whole = Readable.from(raw.length === 0 ? [] : [raw])
      const chunks = throughTransforms(whole, head.transforms.uses, contentEncoding(head.headers.fields), (use) => { failing = use })
      const { bytes, more, error } = await decodeContent(chunks, codings, this.#limit)
      if (error === null && !more) return bytes
      if (more) {
        tellTooLarge(this.#passage, `more than ${this.#limit} bytes with its Content-Encoding undone`)
      } else if (failing !== undefined) {
        if (plugins.failed(failing.member, `${bodyHook.path} transformBody`, new Error(error!), place)) this.#passage.cut('cut for a plugin')
      } else {
        plugins.tell({ kind: 'body-undecodable', source: 'relay', hook: bodyHook.path, text: `the body went on unseen: its Content-Encoding could not be undone: ${error}`, ...place })
      }
    } catch (thrown) {
      plugins.tell({ kind: 'body-undecodable', source: 'relay', hook: bodyHook.path, text: `the body went on unseen: ${reasonOf(thrown)}`, ...place })
    }
    return null
  }

  #call(decoded: Buffer, codings: readonly string[], end: number, done: () => void): void {
    const passage = this.#passage
    const { plugins, place, bodyHook, head } = passage
    const body = new BodyState(head, decoded)
    const transformed = head.transforms.uses.length > 0
    plugins.run(bodyHook, body, (call, member) => {
      if (decoded.length > member.bodyLimit) {
        plugins.tell({ kind: 'body-too-large', source: member.name, hook: bodyHook.path, text: `${bodyHook.path}: not called, the body has ${decoded.length} bytes and its limit is ${member.bodyLimit}`, ...place })
        return undefined
      }
      return passage.callBody(call, body)
    }, (actions: readonly Action[]) => {
      body.seal()
      if (passage.act(actions)) {
        this.#swallow()
        passage.over()
        done()
      } else if (body.bytes === decoded && !transformed && !this.#trailersChanged) {
        passage.ready(() => {
          passage.sendHead(null)
          for (const { bytes, kind } of this.#held) passage.out.pass(bytes, kind)
          passage.over()
          done()
        })
      } else if (codings.length === 0) {
        this.#send(body.bytes, end, done)
      } else {
        void encoded(body.bytes, codings).then((bytes) => this.#send(bytes, end, done))
      }
    }, place)
  }

  /** Everything after the head goes out anew. */
  #send(bytes: Buffer, end: number, done: () => void): void {
    const passage = this.#passage
    passage.ready(() => {
      const chunked = this.#trailers.length > 0
      passage.sendHead(chunked ? { kind: 'chunked' } : { kind: 'length', length: bytes.length })
      const whole = end - passage.bodyStart
      if (!chunked) {
        passage.out.replace(passage.bodyStart, whole, bytes, 'body')
      } else {
        const last = Buffer.concat([...(bytes.length > 0 ? [chunkEnd] : []), chunkStart(0), encodeFields(this.#trailers), chunkEnd])
        if (bytes.length > 0) {
          passage.out.replace(passage.bodyStart, 0, chunkStart(bytes.length), 'framing')
          passage.out.replace(passage.bodyStart, 0, bytes, 'body')
        }
        passage.out.replace(passage.bodyStart, whole, last, 'framing')
      }
      passage.over()
      done()
    })
  }

  #swallow(): void {
    for (const { start, bytes, kind } of this.#held) this.#passage.out.replace(start, bytes.length, Buffer.alloc(0), kind === 'framing' ? 'framing' : 'body')
  }
}

/** Tells each plugin whose limit it is beyond. @param size in words. */
export function tellTooLarge({ plugins, place, bodyHook }: Passage, size: string): void {
  for (const { name, hooks, bodyLimit } of plugins.members) {
    if (bodyHook.of(hooks) === undefined) continue
    plugins.tell({ kind: 'body-too-large', source: name, hook: bodyHook.path, text: `${bodyHook.path}: not called, the body has ${size} and its limit is ${bodyLimit}`, ...place })
  }
}

async function encoded(bytes: Buffer, codings: readonly string[]): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of encodePieces(Readable.from(bytes.length === 0 ? [] : [bytes]), codings)) pieces.push(piece)
  return Buffer.concat(pieces)
}
