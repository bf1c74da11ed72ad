import type { Direction } from '../../protocols/decoder.js'
import type { Address } from '../../recording/notes.js'
import type { ImportWriter } from '../import-writer.js'
import { FtpControlWatch } from './ftp-data-ports.js'
import type { ExpectedData, FtpDataPorts } from './ftp-data-ports.js'
import { guessProtocol } from './guess-protocol.js'
import { ftpPort, httpPort } from './server-port.js'
import type { ConversationEnd, ConversationSink } from './tcp/conversation.js'
import type { ReassemblyMemory } from './tcp/memory.js'

/** Differences told of one connection; who sends thousands means to. */
const mostDifferences = 16

export interface ConnectionPlace {
  readonly client: Address
  readonly server: Address
  /** µs of the first packet. */
  readonly opened: number
  /** Its first packet was no SYN. */
  readonly isMidway: boolean
  /** It was announced on an FTP control connection. */
  readonly data: ExpectedData | null
}

/** What a capture's connections share. */
export interface ImportCounts {
  connections: number
  /** Bytes that are missing within connections. */
  missingBytes: number
  /** Bytes that came after the reset of their connection. */
  lateBytes: number
  /** Packets with a time before that of the packet before them on their connection. */
  setBack: number
}

/**
 * A TCP connection of a capture on its way into the recording. Which protocol it speaks shows in its first bytes, and it is
 * opened there with that: what comes before is held until then.
 */
export class ImportedConnection implements ConversationSink {
  readonly #writer: ImportWriter
  readonly #place: ConnectionPlace
  readonly #ports: FtpDataPorts
  readonly #keepPasswords: boolean
  readonly #counts: ImportCounts
  readonly #memory: ReassemblyMemory
  /** Null until its protocol is known. */
  #handle: number | null = null
  #held: (() => void)[] = []
  #heldCost = 0
  #first: { readonly direction: Direction, bytes: Buffer } | null = null
  #watch: FtpControlWatch | null = null
  #differences = 0
  #isLateTold = false

  constructor(writer: ImportWriter, place: ConnectionPlace, ports: FtpDataPorts, counts: ImportCounts, memory: ReassemblyMemory, keepPasswords: boolean) {
    this.#writer = writer
    this.#place = place
    this.#ports = ports
    this.#counts = counts
    this.#memory = memory
    this.#keepPasswords = keepPasswords
    counts.connections++
    if (place.data !== null) this.#openData(place.data)
  }

  connected(time: number): void {
    const { client, server } = this.#place
    this.#do((handle) => this.#writer.connected(handle, time, client, server))
  }

  bytes(direction: Direction, offset: number, bytes: Buffer, time: number): void {
    if (this.#handle === null) this.#decide(direction, offset, bytes)
    if (this.#handle !== null) {
      this.#received(this.#handle, direction, offset, bytes, time)
      return
    }
    // Held twice: to be guessed from, and to be told.
    const cost = this.#memory.hold(bytes.length * 2)
    this.#heldCost += cost ?? 0
    const kept = Buffer.from(bytes)
    this.#held.push(() => this.#received(this.#handle!, direction, offset, kept, time))
    // Too many don't say what they are: who says so little is taken for what it looks like.
    if (cost === null) this.#open(this.#guess(true))
  }

  gap(direction: Direction, offset: number, length: number, time: number): void {
    this.#counts.missingBytes += length
    // Nothing can be told from what comes after it.
    if (this.#handle === null) this.#open(this.#place.server.port === ftpPort ? 'ftp' : 'tcp')
    this.#watch = null
    this.#do((handle) => this.#writer.missing(handle, direction, time, offset, length))
  }

  differs(direction: Direction, offset: number, time: number): void {
    if (++this.#differences > mostDifferences) return
    this.#do((handle) => this.#writer.event(handle, time, {
      kind: 'overlap-differs', direction, offset,
      text: `these bytes were sent again with another content: what came first is kept${this.#differences === mostDifferences ? '; more of this isn\'t told' : ''}`,
    }))
  }

  end(direction: Direction, time: number): void {
    this.#do((handle) => this.#writer.end(handle, direction, time))
  }

  over(end: ConversationEnd, time: number): void {
    if (this.#handle === null) this.#open(this.#first === null ? null : this.#guess(true))
    this.#watch = null
    const { reason, error } = this.#endingOf(end)
    this.#writer.closed(this.#handle!, time, reason, error)
  }

  late(direction: Direction, offset: number, length: number, time: number): void {
    this.#counts.lateBytes += length
    if (this.#isLateTold) return
    this.#isLateTold = true
    this.#writer.event(this.#handle!, time, { kind: 'after-reset', direction, offset, text: 'from here on, bytes were sent after the reset that ended this connection: they are left out' })
  }

  #endingOf({ by, how }: ConversationEnd): { reason: string, error: string | null } {
    const side = by === 'up' ? 'client' : 'server'
    switch (how) {
      case 'closed': return { reason: `${side} closed`, error: null }
      case 'reset': return { reason: `${side} reset`, error: `${side} reset the connection` }
      case 'refused': return { reason: 'connect failed', error: 'the server refused the connection' }
      case 'unseen': return { reason: 'capture ended', error: 'how it ended is not in the capture' }
    }
  }

  #do(work: (handle: number) => void): void {
    if (this.#handle === null) this.#held.push(() => work(this.#handle!))
    else work(this.#handle)
  }

  #received(handle: number, direction: Direction, offset: number, bytes: Buffer, time: number): void {
    // Before the data connection that these bytes announce.
    this.#watch?.take(direction, bytes, time)
    this.#writer.received(handle, direction, time, offset, bytes)
  }

  #decide(direction: Direction, offset: number, bytes: Buffer): void {
    if (this.#first === null) {
      this.#first = { direction, bytes: Buffer.from(bytes) }
      // A hole before it was told already.
      if (offset > 0) this.#open(this.#guess(true))
      else this.#openAs(this.#guess(false))
      return
    }
    const isSame = this.#first.direction === direction
    if (isSame) this.#first.bytes = Buffer.concat([this.#first.bytes, bytes])
    this.#openAs(this.#guess(!isSame))
  }

  #guess(isAll: boolean): 'http' | 'ftp' | 'tcp' | null {
    const { direction, bytes } = this.#first!
    return guessProtocol(direction, bytes, this.#place.server.port, !this.#place.isMidway, isAll)
  }

  #openAs(protocol: 'http' | 'ftp' | 'tcp' | null): void {
    if (protocol !== null) this.#open(protocol)
  }

  /** @param guessed null: it said nothing. */
  #open(guessed: 'http' | 'ftp' | 'tcp' | null): void {
    const { client, server, opened } = this.#place
    const protocol = guessed ?? (server.port === ftpPort ? 'ftp' : server.port === httpPort ? 'http' : 'tcp')
    const relay = this.#writer.relay(protocol, server, opened)
    this.#handle = this.#writer.open({ relay, protocol, transport: 'tcp', client, server, listen: null, keepPasswords: this.#keepPasswords }, opened)
    if (protocol === 'ftp') this.#watch = new FtpControlWatch(this.#ports, { control: this.#handle, relay, client, server })
    this.#opened()
  }

  #openData({ relay, control, command, mode, form }: ExpectedData): void {
    const { client, server, opened } = this.#place
    this.#handle = this.#writer.open({
      relay, protocol: 'ftp-data', transport: 'tcp', role: 'data', parent: control, ftp: { command, mode, form }, client, server, listen: null,
    }, opened)
    this.#opened()
  }

  #opened(): void {
    if (this.#place.isMidway) {
      this.#writer.event(this.#handle!, this.#place.opened, { kind: 'beginning-missing', text: 'the capture begins within this connection: what was said before is not in it' })
    }
    for (const held of this.#held.splice(0)) held()
    this.#memory.letGo(this.#heldCost)
    this.#heldCost = 0
    this.#first = null
  }
}
