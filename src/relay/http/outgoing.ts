import type { Direction } from '../../protocols/decoder.js'
import type { ConnectionRecorder } from '../../recording/connection-recorder.js'
import type { SentKind } from '../../recording/slab.js'
import type { Outlet } from '../outlet.js'
import type { Wire, WireOptions } from './wire.js'

/** Up to here pieces are copied into one write: a system call costs more than the copy. */
const mostJoined = 64 * 1024

const nothing = Buffer.alloc(0)

/** What goes out in one direction: received bytes as they came, and others in their place, which are recorded. Written together by `flush`. */
export class Outgoing {
  /** To be added to stream offsets: where the bytes of the server being read begin among all that servers have sent. */
  base = 0
  readonly #direction: Direction
  readonly #tap: ConnectionRecorder | null
  #outlet: Outlet | null
  #pieces: Buffer[] = []
  #stopped = false
  #wire: Wire | null = null

  constructor(direction: Direction, tap: ConnectionRecorder | null, outlet: Outlet | null) {
    this.#direction = direction
    this.#tap = tap
    this.#outlet = outlet
  }

  /** Where it goes from now on; nowhere with null. */
  set outlet(outlet: Outlet | null) {
    this.#outlet = outlet
  }

  /** Bytes that the system hasn't taken yet. */
  get backlog(): number {
    return this.#stopped || this.#outlet === null || this.#outlet.destroyed ? 0 : this.#outlet.writableLength
  }

  /** The stages that a message is going through. */
  get wire(): Wire | null {
    return this.#wire
  }

  /** What goes out from now on is what `make` makes of it, until that is null again. */
  through(make: ((to: Pick<WireOptions, 'record' | 'write'>) => Wire) | null): void {
    this.flush()
    const { base } = this
    this.#wire = make === null ? null : make({
      record: (start, length, bytes, kind) => this.#tap?.sent(this.#direction, start + base, length, bytes, kind),
      write: (bytes) => {
        const outlet = this.#outlet
        if (outlet !== null && !outlet.destroyed) outlet.write(bytes)
      },
    })
  }

  /** @param bytes as they were received; they have to stay valid until the flush. */
  pass(bytes: Buffer, kind: SentKind = 'body'): void {
    if (this.#stopped) return
    if (this.#wire !== null) {
      this.#wire.pass(bytes, kind)
      return
    }
    const last = this.#pieces.at(-1)
    if (last !== undefined && last.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
      this.#pieces[this.#pieces.length - 1] = Buffer.from(bytes.buffer, last.byteOffset, last.length + bytes.length)
    } else {
      this.#pieces.push(bytes)
    }
  }

  /** Bytes that go out instead of `length` received ones at `start`. In order: `start` never decreases. */
  replace(start: number, length: number, bytes: Buffer, kind: SentKind): void {
    if (length === 0 && bytes.length === 0) return
    if (this.#stopped) bytes = nothing
    else if (this.#wire !== null) {
      this.#wire.replace(start, length, bytes, kind)
      return
    }
    this.#tap?.sent(this.#direction, start + this.base, length, bytes, kind)
    if (bytes.length > 0) this.#pieces.push(bytes)
  }

  flush(): void {
    if (this.#pieces.length === 0) return
    const pieces = this.#pieces
    this.#pieces = []
    const outlet = this.#outlet
    if (outlet === null || outlet.destroyed) return
    if (pieces.length === 1) {
      outlet.write(pieces[0]!)
      return
    }
    const size = pieces.reduce((sum, { length }) => sum + length, 0)
    if (size <= mostJoined) outlet.write(Buffer.concat(pieces, size))
    else for (const piece of pieces) outlet.write(piece)
  }

  /** Nothing goes out any more: of what is replaced from now on, it is recorded that nothing was sent. */
  stop(): void {
    this.#stopped = true
    this.#pieces = []
    this.#wire?.abandon()
    this.#wire = null
  }
}
