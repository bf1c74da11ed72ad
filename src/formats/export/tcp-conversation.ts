import type { Direction } from '../../protocols/decoder.js'
import { recordingEnded } from '../../recording/cut-off.js'
import type { ConnectionRecord } from '../../recording/rows.js'
import { TcpFlag } from './ip-packet.js'
import type { IpPath } from './ip-packet.js'

export interface Packet {
  readonly time: number
  readonly bytes: Buffer
  /** What begins with it, for people. */
  readonly name: string | null
  /** Bytes at its end that were on the wire and aren't known; 0 where absent. */
  readonly missing?: number
}

/** Bytes that one side says before the other acknowledges them without saying anything itself. */
const acknowledgedAfter = 32 * 1024

/** As often as a reader wants to see bytes acknowledged that it hasn't seen, before it takes them for lost (as our own import does). */
const lostAfter = 4

/** Of a window of 65535: a gigabyte, so that no pause of the other side fills it. */
const windowScale = 14

const nothing = Buffer.alloc(0)

/** One recorded connection as the TCP that could have carried it (RFC 9293): each call gives the packets it takes, in their order. */
export class TcpConversation {
  readonly connection: ConnectionRecord
  readonly #path: IpPath
  readonly #opener: Direction
  readonly #initial: Readonly<Record<Direction, number>>
  /** Stream bytes said, and those acknowledged by the other side. */
  readonly #said: Record<Direction, number> = { up: 0, down: 0 }
  readonly #acknowledged: Record<Direction, number> = { up: 0, down: 0 }
  /** Sequence numbers that SYN and FIN have taken besides. */
  readonly #marks: Record<Direction, number> = { up: 0, down: 0 }
  #time: number
  #state: 'new' | 'asked' | 'open' | 'over' = 'new'
  /** The side that ended first, once it has. */
  #ended: Direction | null = null

  /** @param opener whose direction the first packet goes in. @param isMidway how it began isn't known: it has no handshake. */
  constructor(connection: ConnectionRecord, path: IpPath, opener: Direction, isMidway: boolean) {
    this.connection = connection
    this.#path = path
    this.#time = connection.opened
    this.#opener = opener
    if (isMidway) this.#state = 'open'
    // The same in every export, and not the same for connections of the same ports.
    this.#initial = { up: Math.imul(connection.id, 0x9e3779b1) >>> 0, down: Math.imul(connection.id + 0x10001, 0x85ebca6b) >>> 0 }
  }

  /** All that was recorded has been said. */
  get saidAll(): boolean {
    return this.#said.up >= this.connection.bytesUp && this.#said.down >= this.connection.bytesDown
  }

  /** Stream bytes that this side has said, with those that are missing. */
  saidOf(direction: Direction): number {
    return this.#said[direction]
  }

  get over(): boolean {
    return this.#state === 'over'
  }

  /** The one asks. */
  *open(): Generator<Packet> {
    if (this.#state !== 'new') return
    this.#state = 'asked'
    const { id, protocol } = this.connection
    yield this.#packet(this.#opener, TcpFlag.syn, nothing, `connection ${id}: ${protocol}`)
    this.#marks[this.#opener] = 1
  }

  /** The other takes it. @param time µs. */
  *accept(time: number): Generator<Packet> {
    yield* this.open()
    if (this.#state !== 'asked') return
    this.#state = 'open'
    this.#at(time)
    yield this.#packet(other(this.#opener), TcpFlag.syn | TcpFlag.ack, nothing)
    this.#marks[other(this.#opener)] = 1
    yield this.#packet(this.#opener, TcpFlag.ack, nothing)
  }

  /** @param offset in the stream: beyond what was said, bytes are missing, and so are sequence numbers. */
  *says(direction: Direction, offset: number, bytes: Buffer, time: number, name: string | null): Generator<Packet> {
    yield* this.loses(direction, offset, time)
    if (this.#state === 'over') return
    yield* this.accept(time)
    this.#at(time)
    const most = this.#path.segmentSize
    for (let at = 0; at < bytes.length; at += most) {
      const last = at + most >= bytes.length
      yield this.#packet(direction, last ? TcpFlag.psh | TcpFlag.ack : TcpFlag.ack, bytes.subarray(at, at + most), at === 0 ? name : null)
      this.#said[direction] += Math.min(most, bytes.length - at)
      if (this.#said[direction] - this.#acknowledged[direction] >= acknowledgedAfter) yield this.#packet(other(direction), TcpFlag.ack, nothing)
    }
  }

  /** What was said up to this place isn't known. The other side has it: it says so before anything else is said, so that the end of the stream is known too where nothing comes after it. */
  *loses(direction: Direction, upTo: number, time: number): Generator<Packet> {
    if (this.#state === 'over' || upTo <= this.#said[direction]) return
    yield* this.accept(time)
    this.#at(time)
    this.#said[direction] = upTo
    for (let count = 0; count < lostAfter; count++) yield this.#packet(other(direction), TcpFlag.ack, nothing)
  }

  /** Who ended it first does so, and the other side may go on. */
  *end(time: number): Generator<Packet> {
    const first = firstToEnd(this.connection)
    if (this.#state !== 'open' || this.#ended !== null || this.#said[first] < this.connection[first === 'up' ? 'bytesUp' : 'bytesDown']) return
    this.#at(time)
    yield this.#packet(first, TcpFlag.fin | TcpFlag.ack, nothing)
    this.#ended = first
    this.#marks[first]++
  }

  /** It ends as it did: by whom, in order or not. */
  *close(time: number): Generator<Packet> {
    const { connected, endReason, error, bytesUp, bytesDown } = this.connection
    if (this.#state === 'over') return
    yield* this.loses('up', bytesUp, time)
    yield* this.loses('down', bytesDown, time)
    const refused = this.#state === 'asked' && connected === null
    if (endReason === 'capture ended' || endReason === recordingEnded) {
      // How it went on is not known.
      this.#state = 'over'
      return
    }
    if (!refused) yield* this.accept(time)
    this.#at(time)
    const name = `connection ${this.connection.id}: ${error ?? endReason ?? 'closed'}`
    // What the other side didn't do in order, this one heard of by a reset.
    const first = firstToEnd(this.connection)
    if (refused || error !== null || /\breset\b/.test(endReason ?? '')) {
      this.#state = 'over'
      yield this.#packet(refused ? other(this.#opener) : first, TcpFlag.rst | TcpFlag.ack, nothing, name)
      return
    }
    if (this.#ended === null) {
      yield this.#packet(first, TcpFlag.fin | TcpFlag.ack, nothing, name)
      this.#marks[first]++
    }
    yield this.#packet(other(first), TcpFlag.fin | TcpFlag.ack, nothing, this.#ended === null ? null : name)
    this.#marks[other(first)]++
    yield this.#packet(first, TcpFlag.ack, nothing)
    this.#state = 'over'
  }

  #at(time: number): void {
    this.#time = Math.max(this.#time, time)
  }

  #packet(direction: Direction, flags: number, payload: Buffer, name: string | null = null): Packet {
    const back = other(direction)
    const acknowledges = (flags & TcpFlag.ack) !== 0
    if (acknowledges) this.#acknowledged[back] = this.#said[back]
    const header = {
      seq: this.#next(direction), ack: acknowledges ? this.#next(back) : 0, flags,
      ...((flags & TcpFlag.syn) === 0 ? {} : { options: synOptions(this.#path.segmentSize) }),
    }
    return { time: this.#time, bytes: this.#path.tcp(direction, header, payload), name }
  }

  #next(direction: Direction): number {
    return (this.#initial[direction] + this.#marks[direction] + this.#said[direction]) % 2 ** 32
  }
}

/** Maximum segment size, and window scale after a NOP. */
function synOptions(segmentSize: number): Buffer {
  return Buffer.from([2, 4, segmentSize >> 8, segmentSize & 0xff, 1, 3, 3, windowScale])
}

function firstToEnd({ endReason }: ConnectionRecord): Direction {
  return endReason?.startsWith('client') === true ? 'up' : 'down'
}

function other(direction: Direction): Direction {
  return direction === 'up' ? 'down' : 'up'
}
