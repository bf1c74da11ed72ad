import type { Direction } from '../../protocols/decoder.js'
import type { Address } from '../../recording/notes.js'
import type { ImportWriter } from '../import-writer.js'
import { flowKey, reverseFlowKey } from './flow-key.js'
import { keepsPlaceFor } from './idle-order.js'
import type { ImportCounts } from './imported-connection.js'
import { addressText } from './packets/ip.js'
import type { IpPacket } from './packets/ip.js'
import { readUdp } from './packets/udp.js'
import type { UdpPacket } from './packets/udp.js'
import { privileged } from './server-port.js'

type Session = {
  readonly handle: number
  /** Of a packet that the client sends; the server's have the other key. */
  readonly clientKey: string
  readonly serverKey: string
  readonly bytes: Record<Direction, number>
  lastTime: number
  /** When it was put at the end of the line of those that may be retired. */
  queuedAt: number
}

/** As live: µs without a datagram after which a session is over, and sessions at once. */
const idleTimeout = 60_000_000
const mostSessions = 10_000

/** The UDP sessions of a capture: datagrams between the same two ports, with no long silence between them. */
export class UdpFlows {
  readonly #writer: ImportWriter
  readonly #counts: ImportCounts
  /** By the client's key, the longest idle first. */
  readonly #sessions = new Map<string, Session>()
  readonly #byServer = new Map<string, Session>()

  constructor(writer: ImportWriter, counts: ImportCounts) {
    this.#writer = writer
    this.#counts = counts
  }

  /** @returns false where it is no datagram that can be read. */
  take(packet: IpPacket, time: number): boolean {
    const datagram = readUdp(packet.payload, packet.missing, packet.version)
    if (datagram === null) return false
    const key = flowKey(packet)
    let session = this.#sessions.get(key) ?? this.#byServer.get(key)
    if (session !== undefined && time - session.lastTime > idleTimeout) {
      this.#close(session, 'idle')
      session = undefined
    }
    session ??= this.#open(packet, datagram, key, time)
    // As of TCP's segments.
    if (time < session.lastTime) this.#counts.setBack++
    const at = Math.max(time, session.lastTime)
    this.#use(session, at)
    this.#record(session, session.clientKey === key ? 'up' : 'down', datagram, at)
    return true
  }

  end(): void {
    for (const session of this.#sessions.values()) this.#close(session, 'capture ended')
  }

  #record({ handle, bytes }: Session, direction: Direction, { payload, missing }: UdpPacket, time: number): void {
    this.#writer.received(handle, direction, time, bytes[direction], payload)
    bytes[direction] += payload.length
    if (missing === 0) return
    this.#writer.missing(handle, direction, time, bytes[direction], missing)
    this.#counts.missingBytes += missing
    bytes[direction] += missing
  }

  #open(packet: IpPacket, { sourcePort, destinationPort }: UdpPacket, key: string, time: number): Session {
    this.#retire(time)
    const source: Address = { host: addressText(packet.addresses, 0), port: sourcePort }
    const destination: Address = { host: addressText(packet.addresses, 1), port: destinationPort }
    const other = reverseFlowKey(packet)
    // Who speaks first asks, but for a server whose client's question isn't in the capture.
    const isAnswer = sourcePort < privileged && destinationPort >= privileged
    const [client, server, clientKey, serverKey] = isAnswer ? [destination, source, other, key] : [source, destination, key, other]
    const handle = this.#writer.open({ relay: this.#writer.relay('udp', server, time), protocol: 'udp', transport: 'udp', client, server, listen: null }, time)
    const session: Session = { handle, clientKey, serverKey, bytes: { up: 0, down: 0 }, lastTime: time, queuedAt: time }
    this.#sessions.set(clientKey, session)
    this.#byServer.set(serverKey, session)
    this.#counts.connections++
    return session
  }

  #use(session: Session, time: number): void {
    session.lastTime = time
    if (time - session.queuedAt < keepsPlaceFor) return
    session.queuedAt = time
    this.#sessions.delete(session.clientKey)
    this.#sessions.set(session.clientKey, session)
  }

  #retire(time: number): void {
    for (const session of this.#sessions.values()) {
      const isIdle = time - session.lastTime > idleTimeout
      if (!isIdle && this.#sessions.size < mostSessions) return
      this.#close(session, isIdle ? 'idle' : 'retired for a newer session')
    }
  }

  #close(session: Session, reason: string): void {
    this.#writer.closed(session.handle, session.lastTime, reason, null)
    this.#sessions.delete(session.clientKey)
    this.#byServer.delete(session.serverKey)
  }
}
