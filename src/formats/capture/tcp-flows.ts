import type { Direction } from '../../protocols/decoder.js'
import type { Address } from '../../recording/notes.js'
import type { ImportWriter } from '../import-writer.js'
import { OldestKey } from '../oldest-key.js'
import { flowKey, reverseFlowKey } from './flow-key.js'
import { FtpDataPorts } from './ftp-data-ports.js'
import type { ExpectedData } from './ftp-data-ports.js'
import { keepsPlaceFor } from './idle-order.js'
import { ImportedConnection } from './imported-connection.js'
import type { ImportCounts } from './imported-connection.js'
import { addressText } from './packets/ip.js'
import type { IpPacket } from './packets/ip.js'
import { readTcp } from './packets/tcp.js'
import type { TcpSegment } from './packets/tcp.js'
import { whichServes } from './server-port.js'
import { TcpConversation } from './tcp/conversation.js'
import { ReassemblyMemory } from './tcp/memory.js'

type Flow = {
  readonly conversation: TcpConversation
  /** Of a packet whose source is the client; those of the other side have the other key. */
  readonly clientKey: string
  readonly serverKey: string
  lastTime: number
  /** When it was put at the end of the line of those that may be given up. */
  queuedAt: number
}

/** Connections followed at once; for one more, the longest idle is given up. */
const mostFlows = 16_384

/** Connections that are over and remembered, as late packets of theirs may come. */
const mostPast = 8192

/** The TCP connections of a capture. */
export class TcpFlows {
  readonly #writer: ImportWriter
  readonly #counts: ImportCounts
  readonly #keepPasswords: boolean
  /** By source and destination of a packet, and so each flow twice; the longest idle first. */
  readonly #flows = new Map<string, Flow>()
  readonly #past = new Map<string, Flow>()
  readonly #longestIdle = new OldestKey(this.#flows)
  readonly #longestPast = new OldestKey(this.#past)
  readonly #memory = new ReassemblyMemory()
  readonly #ports = new FtpDataPorts()

  constructor(writer: ImportWriter, counts: ImportCounts, keepPasswords: boolean) {
    this.#writer = writer
    this.#counts = counts
    this.#keepPasswords = keepPasswords
  }

  /** @returns false where it is no TCP segment that can be read. */
  take(packet: IpPacket, time: number): boolean {
    const segment = readTcp(packet.payload, packet.missing)
    if (segment === null) return false
    const key = flowKey(packet)
    let flow = this.#flows.get(key) ?? this.#past.get(key)
    if (flow !== undefined && flow.conversation.isReuse(flow.clientKey === key ? 'up' : 'down', segment)) {
      this.#forget(flow)
      flow = undefined
    }
    if (flow === undefined) {
      // A reset or a bare acknowledgement of what isn't in the capture is no connection.
      if (!segment.syn && segment.payload.length + segment.missing === 0) return true
      flow = this.#open(packet, segment, key, time)
    }
    // What comes later happened no earlier: a clock was set back, or two interfaces were captured.
    if (time < flow.lastTime) this.#counts.setBack++
    const at = Math.max(time, flow.lastTime)
    this.#use(flow, at)
    flow.conversation.take(flow.clientKey === key ? 'up' : 'down', segment, at)
    if (flow.conversation.over) this.#retire(flow)
    return true
  }

  /** The capture is over: connections that aren't stay as they were last seen. */
  end(): void {
    for (const flow of this.#flows.values()) flow.conversation.abandon(flow.lastTime)
    this.#flows.clear()
  }

  #open(packet: IpPacket, segment: TcpSegment, key: string, time: number): Flow {
    const source: Address = { host: addressText(packet.addresses, 0), port: segment.sourcePort }
    const destination: Address = { host: addressText(packet.addresses, 1), port: segment.destinationPort }
    const isFirst = segment.syn && segment.acknowledged === null
    const { side, data } = this.#sideOf(source, destination, segment, isFirst)
    const [client, server] = side === 'up' ? [source, destination] : [destination, source]
    const other = reverseFlowKey(packet)
    const [clientKey, serverKey] = side === 'up' ? [key, other] : [other, key]
    const sink = new ImportedConnection(
      this.#writer, { client, server, opened: time, isMidway: !segment.syn, data }, this.#ports, this.#counts, this.#memory, this.#keepPasswords)
    const flow: Flow = { conversation: new TcpConversation(sink, this.#memory), clientKey, serverKey, lastTime: time, queuedAt: time }
    this.#flows.set(clientKey, flow)
    this.#flows.set(serverKey, flow)
    if (this.#flows.size > mostFlows * 2) this.#forget(this.#flows.get(this.#longestIdle.next()!)!)
    return flow
  }

  /** @returns which way its first segment goes: who sends the SYN is the client, but for FTP's active mode. */
  #sideOf(source: Address, destination: Address, { syn }: TcpSegment, isFirst: boolean): { side: Direction, data: ExpectedData | null } {
    const toDestination = syn && !isFirst ? null : this.#ports.take(destination)
    if (toDestination !== null) return { side: toDestination.mode === 'passive' ? 'up' : 'down', data: toDestination }
    const toSource = isFirst ? null : this.#ports.take(source)
    if (toSource !== null) return { side: toSource.mode === 'passive' ? 'down' : 'up', data: toSource }
    if (isFirst) return { side: 'up', data: null }
    if (syn) return { side: 'down', data: null }
    return { side: whichServes(source.port, destination.port) === 0 ? 'down' : 'up', data: null }
  }

  #use(flow: Flow, time: number): void {
    flow.lastTime = time
    if (flow.conversation.over || time - flow.queuedAt < keepsPlaceFor) return
    flow.queuedAt = time
    for (const key of [flow.clientKey, flow.serverKey]) {
      this.#flows.delete(key)
      this.#flows.set(key, flow)
    }
  }

  #retire(flow: Flow): void {
    for (const key of [flow.clientKey, flow.serverKey]) {
      if (!this.#flows.delete(key)) continue
      this.#past.set(key, flow)
      if (this.#past.size > mostPast * 2) this.#past.delete(this.#longestPast.next()!)
    }
  }

  #forget(flow: Flow): void {
    flow.conversation.abandon(flow.lastTime)
    for (const key of [flow.clientKey, flow.serverKey]) {
      this.#flows.delete(key)
      this.#past.delete(key)
    }
  }
}
