import { firstHeader } from '../../protocols/http1/index.js'
import type { Recording } from '../../recording/recording.js'
import type { ConnectionRecord, HttpExchange, Segment } from '../../recording/rows.js'
import { StreamGaps } from '../stream-gaps.js'
import type { Gap } from '../stream-gaps.js'
import { CutDatagrams } from './cut-datagrams.js'
import { IpPath } from './ip-packet.js'
import { madeUpClient, madeUpServer } from './made-up-address.js'
import { packetBlock, sectionStart } from './pcapng-blocks.js'
import { TcpConversation } from './tcp-conversation.js'
import type { Packet } from './tcp-conversation.js'
import { TimeQueue } from './time-queue.js'

type Flow = {
  readonly connection: ConnectionRecord
  readonly path: IpPath
  readonly tcp: TcpConversation | null
  /** Null where no datagram is cut. */
  readonly cut: CutDatagrams | null
  /** What TCP lacks. */
  readonly gaps: Readonly<Record<'up' | 'down', StreamGaps>>
  /** What its last bytes belonged to, by direction: where that changes, something begins. */
  readonly told: Record<'up' | 'down', number | null>
  /** Its end is due, and bytes of it still come. */
  overdue: number | null
}

/**
 * Packets as they could have gone between clients and servers: what clients said, and what servers said, without the relay and what
 * its plugins changed. Connections and segments are read side by side, in the order in which they were recorded.
 */
export function* pcapngBlocks(recording: Recording, where: string | undefined): Generator<Buffer> {
  const selection = where === undefined ? {} : { matching: where }
  const connections = recording.connections(selection)
  const segments = recording.segments({ ...selection, where: 'leg = \'received\'' })
  const flows = new Flows(recording)
  try {
    yield sectionStart('wiretape')
    let connection = connections.next()
    let segment = segments.next()
    while (connection.done !== true || segment.done !== true) {
      const opened = connection.done === true ? Infinity : connection.value.opened
      const said = segment.done === true ? Infinity : segment.value.time
      // Ids are given in order: a connection that has bytes is there before them.
      const opens = connection.done !== true && (opened <= said || (segment.done !== true && connection.value.id <= segment.value.connectionId))
      yield* blocks(flows.until(opens ? opened : said))
      if (opens) {
        yield* blocks(flows.open(connection.value as ConnectionRecord))
        connection = connections.next()
      } else {
        yield* blocks(flows.says(segment.value as Segment))
        segment = segments.next()
      }
    }
    yield* blocks(flows.rest())
  } finally {
    connections.return?.()
    segments.return?.()
  }
}

function* blocks(packets: Iterable<Packet>): Generator<Buffer> {
  for (const { time, bytes, name, missing = 0 } of packets) yield packetBlock(time, bytes, name, missing)
}

/** The connections that are open at a moment of the recording. */
class Flows {
  readonly #recording: Recording
  readonly #open = new Map<number, Flow>()
  readonly #targets: ReadonlyMap<number, string>
  /** Connections whose beginning the recording doesn't have. */
  readonly #midway: ReadonlySet<number>
  #active: Set<number> | null = null
  readonly #due = new TimeQueue<{ readonly flow: Flow, readonly what: 'accept' | 'lose' | 'end' | 'close' }>()

  constructor(recording: Recording) {
    this.#recording = recording
    this.#targets = new Map(recording.relays().map(({ id, target }) => [id, target]))
    this.#midway = new Set(function* () {
      for (const { connectionId } of recording.events({ where: 'kind = \'beginning-missing\'' })) if (connectionId !== null) yield connectionId
    }())
  }

  /** FTP's active mode. The rows of connections don't tell it, those of transfers do. */
  #dialledByServer({ id, role }: ConnectionRecord): boolean {
    if (role !== 'data') return false
    if (this.#active === null) {
      this.#active = new Set()
      for (const { connectionId } of this.#recording.ftpTransfers({ where: 'mode = \'active\' AND connection_id IS NOT NULL' })) this.#active.add(connectionId!)
    }
    return this.#active.has(id)
  }

  *open(connection: ConnectionRecord): Generator<Packet> {
    const { client, server, listen, transport, connected, closed, opened } = connection
    const path = new IpPath(client ?? madeUpClient(connection), server ?? listen ?? madeUpServer(this.#targets.get(connection.relayId)))
    const tcp = transport === 'udp' ? null : new TcpConversation(connection, path, this.#dialledByServer(connection) ? 'down' : 'up', this.#midway.has(connection.id))
    const cut = transport === 'udp' && connection.droppedUp + connection.droppedDown > 0 ? new CutDatagrams(this.#recording, connection.id) : null
    const gaps = { up: new StreamGaps(this.#recording, connection, 'up'), down: new StreamGaps(this.#recording, connection, 'down') }
    const flow: Flow = { connection, path, tcp, cut, gaps, told: { up: null, down: null }, overdue: null }
    this.#open.set(connection.id, flow)
    if (tcp !== null) yield* tcp.open()
    this.#expect(flow)
    if (connected !== null && tcp !== null) this.#due.put(Math.max(opened, connected), { flow, what: 'accept' })
    const ended = this.#ended(connection)
    if (ended !== null) this.#due.put(Math.max(opened, ended), { flow, what: 'end' })
    if (closed !== null) this.#due.put(Math.max(opened, closed), { flow, what: 'close' })
  }

  /**
   * When the side that ended first did so, where that isn't when the connection was closed: an exchange that its end cut, or
   * whose body it ended, is over then, and so is a session of FTP that its server ended.
   */
  #ended({ id, protocol, error, closed, endReason }: ConnectionRecord): number | null {
    if (protocol === 'ftp' && error === null && endReason === 'server closed') {
      const [session] = this.#recording.ftpSessions({ where: `connection_id = ${id}` })
      return session?.ended == null ? null : Math.min(closed!, session.ended)
    }
    if (protocol !== 'http' || error !== null || (endReason !== 'client closed' && endReason !== 'server closed')) return null
    const last = this.#recording.lastExchange(id)
    if (last?.ended == null || (last.error === null && isFramed(last))) return null
    return Math.min(closed!, last.ended)
  }

  *says(segment: Segment): Generator<Packet> {
    const { connectionId, direction, offset, bytes, time, messageId } = segment
    const flow = this.#open.get(connectionId)
    if (flow === undefined) return
    const name = messageId === null || flow.told[direction] === messageId ? null : this.#recording.summary(messageId)
    flow.told[direction] = messageId
    if (flow.tcp === null) {
      const missing = flow.cut?.missing(segment) ?? 0
      yield { time, bytes: flow.path.udp(direction, bytes, missing), name: name === null ? null : `${messageId}: ${name}`, missing }
    } else {
      yield* flow.tcp.says(direction, offset, bytes, time, name === null ? null : `${messageId}: ${name}`)
      this.#expect(flow)
    }
    if (flow.overdue !== null) yield* this.#close(flow, flow.overdue)
  }

  /** What happened to connections up to this time. */
  *until(time: number): Generator<Packet> {
    while (this.#due.next < time) {
      const due = this.#due.next
      const { flow, what } = this.#due.take()!
      if (what === 'close') yield* this.#close(flow, due)
      else if (what === 'lose') yield* this.#loses(flow, due, due)
      else if (flow.tcp !== null) yield* what === 'accept' ? flow.tcp.accept(due) : flow.tcp.end(due)
    }
  }

  /** Bytes are missing where a stream has got to: that is due when it was told. */
  #expect(flow: Flow): void {
    if (flow.tcp === null) return
    for (const direction of ['up', 'down'] as const) {
      const next = this.#nextGap(flow, direction)
      if (next !== null) this.#due.put(next.time, { flow, what: 'lose' })
    }
  }

  /** Where the stream has got to; null where nothing is missing there. */
  #nextGap({ tcp, gaps }: Flow, direction: 'up' | 'down'): Gap | null {
    for (let next = gaps[direction].next; next !== null && next.offset <= tcp!.saidOf(direction); next = gaps[direction].next) {
      if (next.offset + next.length > tcp!.saidOf(direction)) return next
      gaps[direction].pass()
    }
    return null
  }

  /** @param upTo what was told later is left. */
  *#loses(flow: Flow, time: number, upTo: number): Generator<Packet> {
    if (flow.tcp === null || flow.tcp.over) return
    for (const direction of ['up', 'down'] as const) {
      for (let next = this.#nextGap(flow, direction); next !== null && next.time <= upTo; next = this.#nextGap(flow, direction)) {
        yield* flow.tcp.loses(direction, next.offset + next.length, time)
      }
    }
  }

  *rest(): Generator<Packet> {
    yield* this.until(Infinity)
    for (const flow of this.#open.values()) if (flow.overdue !== null && flow.tcp !== null) yield* flow.tcp.close(flow.overdue)
  }

  /** Not before all of it was said: of some bytes the time is told later than they came. */
  *#close(flow: Flow, time: number): Generator<Packet> {
    flow.overdue = time
    yield* this.#loses(flow, time, Infinity)
    if (flow.tcp?.saidAll === false) return
    if (flow.tcp !== null) yield* flow.tcp.close(time)
    this.#open.delete(flow.connection.id)
  }
}

/** The end of its response shows in the response itself, not by that of the connection. */
function isFramed({ method, status, responseHeaders }: HttpExchange): boolean {
  return method === 'HEAD' || status === null || status < 200 || status === 204 || status === 304
    || firstHeader(responseHeaders, 'content-length') !== undefined || firstHeader(responseHeaders, 'transfer-encoding') !== undefined
}
