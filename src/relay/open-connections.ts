import type { ConnectionInfo } from '../plugins/messages.js'
import type { Direction } from '../protocols/decoder.js'
import type { Address } from '../recording/notes.js'
import type { ConnectionRecorder } from '../recording/connection-recorder.js'
import { microseconds } from '../recording/clock.js'
import type { Recorder } from '../recording/recorder.js'
import type { Protocol } from './address.js'

/** Ms for which a connection has to be quiet to count as idle when stopping. */
const quietWhenStopping = 250

/** Ms: a sweep that comes later after the one before was kept from it. */
const mostBetweenSweeps = 150

/** A connection or a UDP session that is open now. */
export interface Carried {
  /** Received. */
  readonly bytes: Readonly<Record<Direction, number>>
  /** Sent on, after plugins and faults. Absent for what isn't a connection yet. */
  readonly sent?: Readonly<Record<Direction, number>>
  /** Which way the last bytes went, where that is known. */
  readonly lastDirection?: Direction
  /** Grows with what comes, where bytes don't tell: datagrams may be empty. */
  readonly activity?: number
  /** In the middle of a message, which may be quiet for long: a plugin takes its time over it. */
  readonly busy?: boolean
  /** Some of what came hasn't left yet, although nothing more comes. */
  readonly holds?: boolean
  close(reason: string): void
  /** Tears it down, where it has such an end. */
  reset?(reason: string): void
}

/** A connection that is open, for people and programs to see. */
export interface OpenConnection {
  /** By which it can be cut. */
  readonly id: number
  readonly protocol: ConnectionInfo['protocol']
  /** Ordinal of its relay, from 0, and its own on that relay, from 1. */
  readonly relay: number
  readonly connection: number
  readonly client: Address | null
  readonly target: string
  /** µs since the epoch. */
  readonly opened: number
  readonly bytesUp: number
  readonly bytesDown: number
}

/** What a relay has carried, with what is open. */
export interface Traffic {
  readonly open: number
  /** Those that have ended too; so do the bytes count them. */
  readonly connections: number
  readonly bytesUp: number
  readonly bytesDown: number
  /** Bytes that were sent on. */
  readonly sent: Readonly<Record<Direction, number>>
}

type Seen = {
  readonly id: number, readonly info: ConnectionInfo, readonly opened: number, readonly protocol: Protocol, readonly handle: number | null, readonly parent: Carried | null
  up: number, down: number, activity: number, held: boolean, quietSince: number
}

type Closed = { connections: number, readonly sent: Record<Direction, number> } & Record<Direction, number>

/** Everything that is open: counted, looked at for idleness, and closed when the relay stops. */
export class OpenConnections {
  readonly #idleTimeout: number
  readonly #udpIdleTimeout: number
  #swept = 0
  readonly #open = new Map<Carried, Seen>()
  /** Sockets that may be open at once. */
  socketCapacity = Infinity
  #sockets = 0
  #count = 0
  #ids = 0
  readonly #closed: Record<Direction, number> = { up: 0, down: 0 }
  /** Of each relay, by its ordinal: all its connections, and the bytes of those that are closed. */
  readonly #byRelay = new Map<number, Closed>()

  /** @param idleTimeout ms, 0 for never; the other for UDP sessions. */
  constructor(idleTimeout: number, udpIdleTimeout: number) {
    this.#idleTimeout = idleTimeout
    this.#udpIdleTimeout = udpIdleTimeout
  }

  get size(): number {
    return this.#open.size
  }

  /** Whether the system has room for one more. */
  hasRoom(protocol: Protocol): boolean {
    return this.#sockets + socketsOf(protocol) <= this.socketCapacity
  }

  /** @param parent is busy while this one is: an FTP control connection has nothing to say during a transfer. */
  add(protocol: Protocol, tap: ConnectionRecorder | null, connection: Carried, info: ConnectionInfo, parent: Carried | null = null): void {
    this.#count++
    this.#ofRelay(info.relay).connections++
    this.#enter(protocol, tap, connection, info, parent)
  }

  /** What isn't a connection yet: it has a socket, and is ended with the rest, but counts only once something is made of it. */
  hold(waiting: Carried, info: ConnectionInfo): void {
    this.#enter('tcp', null, waiting, info, null)
  }

  #enter(protocol: Protocol, tap: ConnectionRecorder | null, connection: Carried, info: ConnectionInfo, parent: Carried | null): void {
    this.#sockets += socketsOf(protocol)
    this.#open.set(connection, { id: ++this.#ids, info, opened: microseconds(), protocol, handle: tap?.handle ?? null, parent, up: 0, down: 0, activity: 0, held: false, quietSince: Date.now() })
  }

  /** Another carries it on from here: for everybody else it is the same connection. */
  replace(connection: Carried, by: Carried): void {
    const seen = this.#open.get(connection)
    if (seen === undefined) return
    this.#open.delete(connection)
    this.#open.set(by, seen)
  }

  remove(connection: Carried): void {
    const seen = this.#open.get(connection)
    if (seen === undefined) return
    this.#open.delete(connection)
    this.#sockets -= socketsOf(seen.protocol)
    const ofRelay = this.#ofRelay(seen.info.relay)
    for (const direction of ['up', 'down'] as const) {
      this.#closed[direction] += connection.bytes[direction]
      ofRelay[direction] += connection.bytes[direction]
      ofRelay.sent[direction] += connection.sent?.[direction] ?? 0
    }
  }

  #ofRelay(relay: number): Closed {
    const found = this.#byRelay.get(relay) ?? { connections: 0, up: 0, down: 0, sent: { up: 0, down: 0 } }
    this.#byRelay.set(relay, found)
    return found
  }

  /** @param relay its ordinal. */
  trafficOf(relay: number): Traffic {
    const { connections, up, down, sent } = this.#ofRelay(relay)
    const traffic = { open: 0, connections, bytesUp: up, bytesDown: down, sent: { ...sent } }
    for (const [{ bytes, sent: own }, { info }] of this.#open) {
      if (info.relay !== relay) continue
      traffic.open++
      traffic.bytesUp += bytes.up
      traffic.bytesDown += bytes.down
      traffic.sent.up += own?.up ?? 0
      traffic.sent.down += own?.down ?? 0
    }
    return traffic
  }

  /** `connections` counts those that have ended too, and so do the bytes. */
  totals(): Omit<Traffic, 'sent'> {
    let { up, down } = this.#closed
    for (const { bytes } of this.#open.keys()) {
      up += bytes.up
      down += bytes.down
    }
    return { open: this.#open.size, connections: this.#count, bytesUp: up, bytesDown: down }
  }

  /** To be called several times a second: bytes are compared, so that no clock is read for each of them. */
  sweep(): void {
    const now = Date.now()
    // While this process did something else nothing was read, and that nothing came isn't the peers' silence.
    const late = this.#swept === 0 ? 0 : Math.max(0, now - this.#swept - mostBetweenSweeps)
    this.#swept = now
    for (const [connection, seen] of this.#open) {
      seen.quietSince = Math.min(now, seen.quietSince + late)
      const held = seen.held
      seen.held = seen.protocol === 'udp' && connection.holds === true
      // A datagram that plugins hold is traffic yet to come, and so is one that has gone on since the last look.
      if (held || seen.held) seen.quietSince = now
      if (!isBusy(connection, seen)) continue
      seen.up = connection.bytes.up
      seen.down = connection.bytes.down
      seen.activity = connection.activity ?? 0
      seen.quietSince = now
      const parent = seen.parent === null ? undefined : this.#open.get(seen.parent)
      if (parent !== undefined) parent.quietSince = now
    }
    for (const [connection, { protocol, quietSince }] of this.#open) {
      const idle = protocol === 'udp' ? this.#udpIdleTimeout : this.#idleTimeout
      if (idle > 0 && now - quietSince >= idle) connection.close('idle timeout')
    }
  }

  /**
   * Closes what needn't be waited for: datagrams, which have no end, and HTTP connections between two exchanges. The recorder
   * knows which those are; without one, a connection that last heard from the server and has been quiet counts as such.
   */
  async closeIdle(recorder: Recorder | null): Promise<void> {
    const idle = recorder === null || recorder.failure !== null ? null : new Set(await recorder.idle())
    const now = Date.now()
    for (const [connection, seen] of this.#open) {
      const { protocol, handle } = seen
      if (isBusy(connection, seen) || now - seen.quietSince < quietWhenStopping) continue
      if ((connection.busy === true || connection.holds === true) && protocol !== 'udp') continue
      const between = idle === null ? connection.lastDirection === 'down' || seen.up === 0 : handle !== null && idle.has(handle)
      if (protocol === 'udp' || (protocol === 'http' && between)) connection.close('relay stopped')
    }
  }

  /** By what the recorder knows the connection from this port of a client; null where there is none. */
  handleOf(port: number): number | null {
    for (const { info, handle } of this.#open.values()) if (info.client?.port === port && handle !== null) return handle
    return null
  }

  list(): OpenConnection[] {
    return [...this.#open].map(([{ bytes }, { id, info, opened }]) => ({
      id, protocol: info.protocol, relay: info.relay, connection: info.ordinal, client: info.client, target: info.target, opened, bytesUp: bytes.up, bytesDown: bytes.down,
    }))
  }

  /** @returns false where there is none of this id. */
  cut(id: number, how: 'close' | 'reset'): boolean {
    for (const [connection, seen] of this.#open) {
      if (seen.id !== id) continue
      if (how === 'reset' && connection.reset !== undefined) connection.reset('cut on request')
      else connection.close('cut on request')
      return true
    }
    return false
  }

  /** Ends those of one relay, and what belongs to them. */
  closeOf(relay: number, reason: string): void {
    for (const [connection, { info }] of this.#open) if (info.relay === relay) connection.close(reason)
  }

  closeAll(reason: string): void {
    for (const connection of this.#open.keys()) connection.close(reason)
  }
}

/** Something has come since it was looked at. */
function isBusy({ bytes, activity = 0 }: Carried, seen: Seen): boolean {
  return bytes.up !== seen.up || bytes.down !== seen.down || activity !== seen.activity
}

/** UDP clients share their relay's socket. */
function socketsOf(protocol: Protocol): number {
  return protocol === 'udp' ? 1 : 2
}
