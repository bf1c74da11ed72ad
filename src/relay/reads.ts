import { Socket } from 'node:net'
import type { OnReadOpts, SocketConstructorOpts } from 'node:net'
import { returnReadBuffer, takeReadBuffer } from './read-buffer.js'

/** What a socket reads, and who is given it. */
export interface Reads {
  /** Bytes are valid until `take` returns, unless it asks to `keep` them: the next read goes over them. */
  readonly reused: boolean
  /** What is read goes there from now on; where `take` returns false, reading stops until the socket is resumed. */
  to(take: (bytes: Buffer) => boolean): void
  /** What `take` has just been given stays as it is until `letGo`: the next read goes elsewhere. */
  keep(): void
  /** Nothing uses what was kept any more: all was written, say. */
  letGo(): void
  /** Nothing reads or writes any of it any more, now or later. */
  release(): void
}

const none = Buffer.alloc(0)

/** Reads into one large buffer, and into another while something of it has still to be written. */
export class BufferedReads implements Reads {
  readonly reused = true
  /** Of the socket's from its making on: Node asks for it at once. */
  #buffer: Buffer = none
  #kept: Buffer[] = []
  #free: Buffer[] = []
  #keeps = false
  #take: (bytes: Buffer) => boolean = () => true

  /** For a socket that is being made: one after the other may read this way. */
  get onread(): OnReadOpts {
    let current: Buffer | null = null
    let hasRead = false
    return {
      // Asked for each handle that the socket tries, as names have several addresses, and after each read: there, no answer means the same again.
      buffer: (() => {
        const next = this.#next()
        if (hasRead && next === current) return undefined
        current = next
        return next
      }) as () => Uint8Array,
      callback: (length, buffer) => {
        hasRead = true
        return this.#take((buffer as Buffer).subarray(0, length))
      },
    }
  }

  to(take: (bytes: Buffer) => boolean): void {
    this.#take = take
  }

  keep(): void {
    this.#keeps = true
  }

  letGo(): void {
    if (this.#kept.length === 0) return
    this.#free.push(...this.#kept)
    this.#kept = []
  }

  release(): void {
    if (this.#buffer === none) return
    for (const buffer of [this.#buffer, ...this.#kept, ...this.#free]) returnReadBuffer(buffer)
    this.#kept = []
    this.#free = []
    this.#buffer = none
  }

  #next(): Buffer {
    if (this.#buffer === none) this.#buffer = takeReadBuffer()
    if (this.#keeps) {
      this.#keeps = false
      this.#kept.push(this.#buffer)
      this.#buffer = this.#free.pop() ?? takeReadBuffer()
    }
    return this.#buffer
  }
}

const known = new WeakMap<Socket, Reads>()

/**
 * The same accepted connection as a socket that reads into one large buffer. Node gives each of its reads 64 KiB of new memory, which took half of
 * an upload's time; `onread` it knows for sockets that dial alone, so a socket of our own is put around the handle, the way `net.Server` does it.
 * @param accepted not read yet; it is closed for its server, and of no use any more.
 */
export function readBuffered(accepted: Socket): Socket {
  // Not documented: where it is gone one day, reads are slower, and nothing else.
  const handle: unknown = Reflect.get(accepted, '_handle')
  if (typeof handle !== 'object' || handle === null) return accepted
  Reflect.set(accepted, '_handle', null)
  accepted.destroy()
  const reads = new BufferedReads()
  const socket = new Socket({
    handle, allowHalfOpen: accepted.allowHalfOpen, pauseOnCreate: true,
    readableHighWaterMark: accepted.readableHighWaterMark, writableHighWaterMark: accepted.writableHighWaterMark,
    onread: reads.onread,
  } as SocketConstructorOpts)
  known.set(socket, reads)
  return socket
}

/** The reads of a socket that wasn't made to be read into buffers give each read memory of its own. */
export function readsOf(socket: Socket): Reads {
  let reads = known.get(socket)
  if (reads === undefined) {
    reads = withEvents(socket)
    known.set(socket, reads)
  }
  return reads
}

function withEvents(socket: Socket): Reads {
  let listener: ((bytes: Buffer) => void) | null = null
  return {
    reused: false,
    to: (take) => {
      if (listener !== null) socket.off('data', listener)
      listener = (bytes) => {
        if (!take(bytes)) socket.pause()
      }
      socket.on('data', listener)
    },
    keep: () => {},
    letGo: () => {},
    release: () => {},
  }
}
