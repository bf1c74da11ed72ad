import { Socket } from 'node:net'
import type { SocketConstructorOpts } from 'node:net'
import { returnReadBuffer, takeReadBuffer } from './read-buffer.js'

/** Who is given what a socket reads. */
export interface Reads {
  /** Bytes are valid until `take` returns, and as long after that as reading is stopped: the next read goes over them. */
  readonly reused: boolean
  /** What is read goes there from now on; where `take` returns false, reading stops until the socket is resumed. */
  to(take: (bytes: Buffer) => boolean): void
  /** Nothing reads or writes the bytes any more. */
  release(): void
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
  const buffer = takeReadBuffer()
  let taker: ((bytes: Buffer) => boolean) | null = null
  const socket = new Socket({
    handle, allowHalfOpen: accepted.allowHalfOpen, pauseOnCreate: true,
    readableHighWaterMark: accepted.readableHighWaterMark, writableHighWaterMark: accepted.writableHighWaterMark,
    onread: { buffer, callback: (length: number) => taker?.(buffer.subarray(0, length)) ?? true },
  } as SocketConstructorOpts)
  known.set(socket, {
    reused: true,
    to: (take) => { taker = take },
    release: () => {
      if (known.delete(socket)) returnReadBuffer(buffer)
    },
  })
  return socket
}

/** The reads of a socket of any kind: one that isn't buffered gives `data` events, and each read has memory of its own. */
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
    release: () => {},
  }
}
