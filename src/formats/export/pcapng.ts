import type { Address } from '../../recording/notes.js'
import type { Recording } from '../../recording/recording.js'
import type { ConnectionRecord, Segment } from '../../recording/rows.js'
import { IpPath } from './ip-packet.js'
import { packetBlock, sectionStart } from './pcapng-blocks.js'
import { TcpConversation } from './tcp-conversation.js'
import type { Packet } from './tcp-conversation.js'
import { TimeQueue } from './time-queue.js'

/** An address for documentation (RFC 5737), where the recording has none. */
const nobody: Address = { host: '192.0.2.1', port: 9 }

type Flow = {
  readonly connection: ConnectionRecord
  readonly path: IpPath
  readonly tcp: TcpConversation | null
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
  for (const { time, bytes, name } of packets) yield packetBlock(time, bytes, name)
}

/** The connections that are open at a moment of the recording. */
class Flows {
  readonly #recording: Recording
  readonly #open = new Map<number, Flow>()
  #active: Set<number> | null = null
  readonly #due = new TimeQueue<{ readonly flow: Flow, readonly what: 'accept' | 'close' }>()

  constructor(recording: Recording) {
    this.#recording = recording
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
    const path = new IpPath(client ?? nobody, server ?? listen ?? nobody)
    const tcp = transport === 'udp' ? null : new TcpConversation(connection, path, this.#dialledByServer(connection) ? 'down' : 'up')
    const flow: Flow = { connection, path, tcp, told: { up: null, down: null }, overdue: null }
    this.#open.set(connection.id, flow)
    if (tcp !== null) yield* tcp.open()
    if (connected !== null && tcp !== null) this.#due.put(Math.max(opened, connected), { flow, what: 'accept' })
    if (closed !== null) this.#due.put(Math.max(opened, closed), { flow, what: 'close' })
  }

  *says({ connectionId, direction, offset, bytes, time, messageId }: Segment): Generator<Packet> {
    const flow = this.#open.get(connectionId)
    if (flow === undefined) return
    const name = messageId === null || flow.told[direction] === messageId ? null : this.#recording.summary(messageId)
    flow.told[direction] = messageId
    if (flow.tcp === null) {
      yield { time, bytes: flow.path.udp(direction, bytes), name: name === null ? null : `${messageId}: ${name}` }
    } else {
      yield* flow.tcp.says(direction, offset, bytes, time, name === null ? null : `${messageId}: ${name}`)
    }
    if (flow.overdue !== null) yield* this.#close(flow, flow.overdue)
  }

  /** What happened to connections up to this time. */
  *until(time: number): Generator<Packet> {
    while (this.#due.next < time) {
      const due = this.#due.next
      const { flow, what } = this.#due.take()!
      if (what === 'close') yield* this.#close(flow, due)
      else if (flow.tcp !== null) yield* flow.tcp.accept(due)
    }
  }

  *rest(): Generator<Packet> {
    yield* this.until(Infinity)
    for (const flow of this.#open.values()) if (flow.overdue !== null && flow.tcp !== null) yield* flow.tcp.close(flow.overdue)
  }

  /** Not before all of it was said: of some bytes the time is told later than they came. */
  *#close(flow: Flow, time: number): Generator<Packet> {
    flow.overdue = time
    if (flow.tcp?.saidAll === false) return
    if (flow.tcp !== null) yield* flow.tcp.close(time)
    this.#open.delete(flow.connection.id)
  }
}
