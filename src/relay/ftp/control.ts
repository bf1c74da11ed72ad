import { isIPv4, isIPv6, type Socket } from 'node:net'
import { reasonOf } from '../../error.js'
import type { Direction } from '../../protocols/decoder.js'
import {
  FtpDecoder, parseEprtArgument, parseEpsvReply, parsePasvReply, parsePortArgument, preparesData,
  withEprtArgument, withEpsvPort, withPasvAddress, withPortArgument,
} from '../../protocols/ftp/index.js'
import type { CommandEvent, FtpEvent, ReplyEvent } from '../../protocols/ftp/index.js'
import type { Address } from '../../recording/notes.js'
import type { ConnectionRecorder } from '../../recording/connection-recorder.js'
import { HeldStream } from '../held-stream.js'
import type { Replacement } from '../held-stream.js'
import type { Inline, Pieces } from '../lane.js'
import { addressOf } from '../connection.js'
import { DataListener } from './data-listener.js'
import type { FtpSettings } from './options.js'

/** A reply that goes on for longer than this isn't waited for: it passes as it is. */
const longestHeld = 256 * 1024

/** What is left of an ABOR that was sent as urgent data, telnet bytes before it included. */
const abortWithoutEnd = /^[^A-Za-z]*ABOR\r$/i

/** A CR is followed by its LF in less than this, in ms, unless the LF went as urgent data. */
const lineEndPatience = 100

/** Harmless, and answered by every server: it stands for a refused command, so that replies keep their order. */
const instead = Buffer.from('NOOP\r\n')

/** How a data connection was prepared: the command's ordinal on the control connection, and its form. */
export interface DataSetup {
  readonly command: number
  readonly mode: 'passive' | 'active'
  readonly form: string
}

export interface DataConnection {
  readonly socket: Socket
  /** Which side it came from: the client in passive mode, the server in active mode. */
  readonly accepted: 'client' | 'server'
  readonly dial: Address
  /** The relay's own address on the side that is dialled, where the system wouldn't choose it by itself. */
  readonly localAddress: string | null
  readonly setup: DataSetup
}

export interface FtpControlOptions {
  readonly settings: FtpSettings
  readonly tap: ConnectionRecorder | null
  readonly client: Socket
  readonly onData: (connection: DataConnection) => void
}

/**
 * A control connection on the inline path: the relay is the peer of both sides, on the data connections too. Everything
 * passes byte for byte but the addresses by which data connections are prepared, and commands that may not pass.
 */
export class FtpControl implements Inline {
  readonly #options: FtpControlOptions
  readonly #decoder = new FtpDecoder()
  readonly #streams: Record<Direction, HeldStream> = { up: new HeldStream(), down: new HeldStream() }
  /** Commands whose reply matters here, by ordinal. */
  readonly #awaited = new Map<number, { readonly verb: string, readonly text: string }>()
  /** What the client gets instead of the server's reply to these commands. */
  readonly #answers = new Map<number, Buffer>()
  #server: Socket | null = null
  /** The one prepared data connection: a later PASV or PORT takes its place. */
  #prepared: DataListener | null = null
  #transparent = false
  #emit: ((direction: Direction, pieces: Pieces) => void) | null = null
  #supply: ((direction: Direction, bytes: Buffer) => void) | null = null
  #lineEnd: NodeJS.Timeout | null = null
  /** Should the LF come after all, it has gone out already. */
  #lineFeedSupplied = false
  #closed = false
  #listening: Promise<unknown> = Promise.resolve()

  constructor(options: FtpControlOptions) {
    this.#options = options
  }

  attach(emit: (direction: Direction, pieces: Pieces) => void, supply: (direction: Direction, bytes: Buffer) => void): void {
    this.#emit = emit
    this.#supply = supply
  }

  connected(server: Socket): void {
    this.#server = server
  }

  pass(direction: Direction, bytes: Buffer): Pieces | Promise<Pieces> {
    const stream = this.#streams[direction]
    stream.take(bytes)
    if (direction === 'up') this.#awaitLineEnd(bytes)
    const events = this.#decoder.receive(direction, bytes, 0)
    if (this.#transparent) return stream.release(stream.end)
    const work: (Replacement | Promise<Replacement | null>)[] = []
    let until = stream.end
    for (const event of events) {
      switch (event.type) {
        case 'command':
        case 'reply': {
          const replacement = event.type === 'command' ? this.#command(event) : this.#reply(event)
          if (replacement !== null) work.push(replacement)
          break
        }
        case 'odd': this.#event('ftp-odd', event.text, event.direction, event.offset); break
        case 'opaque':
          this.#transparent = true
          if (event.direction !== direction) this.#emit?.(event.direction, this.#streams[event.direction].release(this.#streams[event.direction].end))
      }
    }
    if (!this.#transparent) until = this.#holdFrom(direction, events, stream)
    if (work.every((piece): piece is Replacement => !(piece instanceof Promise))) {
      return stream.release(until, this.#told(direction, work))
    }
    return Promise.all(work.map((piece) => Promise.resolve(piece))).then((pieces) =>
      stream.release(until, this.#told(direction, pieces.filter((piece) => piece !== null))))
  }

  /** A client that sends `ABOR` as urgent data, line end and all, leaves us without its last byte: the LF. */
  #awaitLineEnd(bytes: Buffer): void {
    if (this.#lineEnd !== null) clearTimeout(this.#lineEnd)
    this.#lineEnd = null
    if (bytes.at(-1) !== 0x0d || this.#transparent || !abortWithoutEnd.test(this.#streams.up.text)) return
    this.#lineEnd = setTimeout(() => {
      this.#event('ftp-urgent', 'a command came without its LF, which the client sent as urgent data: supplied', 'up', this.#streams.up.end)
      this.#lineFeedSupplied = true
      this.#supply?.('up', Buffer.from('\n'))
    }, lineEndPatience)
  }

  end(direction: Direction): Pieces {
    return this.#streams[direction].release(this.#streams[direction].end)
  }

  close(): void {
    this.#closed = true
    if (this.#lineEnd !== null) clearTimeout(this.#lineEnd)
    this.#prepared?.close()
  }

  /** Commands are held until their line is complete; a reply only where it may have to be replaced. */
  #holdFrom(direction: Direction, events: readonly FtpEvent[], stream: HeldStream): number {
    if (stream.held > longestHeld) return stream.end
    let from = stream.end - stream.held
    for (const event of events) if (event.type === 'command' || event.type === 'reply') from = event.end
    if (direction === 'up') return from
    const awaiting = this.#decoder.awaiting
    return awaiting !== null && this.#awaited.has(awaiting.message) ? from : stream.end
  }

  #told(direction: Direction, replacements: readonly Replacement[]): readonly Replacement[] {
    for (const { start, end, bytes } of replacements) this.#options.tap?.sent(direction, start, end - start, bytes)
    return replacements
  }

  #command(command: CommandEvent): Replacement | Promise<Replacement | null> | null {
    const { verb, message, start, end } = command
    if (this.#lineFeedSupplied && verb !== 'ABOR') {
      this.#lineFeedSupplied = false
      if (command.raw.length === 1) return { start, end, bytes: Buffer.alloc(0) }
    }
    const text = command.argumentText ?? ''
    if (verb === 'ABOR') return withSynch(command)
    if (verb === 'AUTH' && this.#options.settings.refuseTls) {
      return this.#refuse(command, '534 TLS is not available here.', 'ftp-tls-refused', `AUTH ${text} was answered with 534`)
    }
    if (verb === 'PORT' || verb === 'EPRT') return this.#prepareActive(command)
    if (preparesData(verb) !== null || verb === 'AUTH') this.#awaited.set(message, { verb, text })
    // A server that is reached by IPv6 has no address to tell in a 227: ask in the form that it knows.
    if (verb === 'PASV' && isIPv6(this.#server?.remoteAddress ?? '') && !isMapped(this.#server!.remoteAddress!)) {
      this.#awaited.set(message, { verb: 'PASV by EPSV', text })
      return { start, end, bytes: Buffer.from('EPSV\r\n') }
    }
    return null
  }

  #reply(reply: ReplyEvent): Replacement | Promise<Replacement | null> | null {
    const { message, start, end, code } = reply
    if (reply.preliminary) return null
    const awaited = this.#awaited.get(message)
    this.#awaited.delete(message)
    const answer = this.#answers.get(message)
    if (answer !== undefined) {
      this.#answers.delete(message)
      return { start, end, bytes: answer }
    }
    if (awaited?.verb === 'AUTH' && code === 234) {
      this.#event('ftp-tls', 'the control connection is encrypted from here on: what it says, and the data connections that it prepares, can\'t be followed', 'down', end)
      return null
    }
    if (awaited !== undefined && (code === 227 || code === 229)) return this.#preparePassive(reply, awaited.verb)
    return null
  }

  async #preparePassive(reply: ReplyEvent, verb: string): Promise<Replacement | null> {
    const { start, end, code, text, message } = reply
    const raw = Buffer.from(reply.raw)
    const server = addressOf(this.#server?.remoteAddress, this.#server?.remotePort)
    const { client, settings } = this.#options
    const local = addressOf(client.localAddress, client.localPort)
    const peer = addressOf(client.remoteAddress, client.remotePort)
    if (server === null || local === null || peer === null) return null
    const told: Address | null = code === 227 ? parsePasvReply(text) : { host: server.host, port: parseEpsvReply(text)?.port ?? 0 }
    if (told === null || told.port === 0) {
      this.#event('ftp-address-unreadable', `the ${code} reply to ${verb} has no address that can be read: it passes as it is, and its data connection can't be followed`, 'down', start)
      return null
    }
    if (told.host !== server.host && !settings.trustPasv) {
      this.#event('ftp-address-ignored', `the server named ${told.host} for its data connection; ${server.host} is dialled, where it is itself`, 'down', start)
    }
    const dial = { host: settings.trustPasv ? told.host : server.host, port: told.port }
    const listener = await this.#listen(local.host, settings.dataPorts, peer.host, 'client', dial, null, { command: message, mode: 'passive', form: verb === 'PASV by EPSV' ? 'PASV' : verb })
    if (listener === null) return { start, end, bytes: Buffer.from('425 No data connection can be opened.\r\n') }
    if (code === 229 && verb !== 'PASV by EPSV') return { start, end, bytes: withEpsvPort(raw, listener.port) }
    const host = settings.dataHost ?? (isIPv4(local.host) ? local.host : '127.0.0.1')
    if (code === 227) return { start, end, bytes: withPasvAddress(raw, { host, port: listener.port }) }
    const numbers = [...host.split('.'), listener.port >> 8, listener.port & 0xff].join(',')
    return { start, end, bytes: Buffer.from(`227 Entering Passive Mode (${numbers}).\r\n`) }
  }

  #prepareActive(command: CommandEvent): Replacement | Promise<Replacement | null> | null {
    const { verb, start, end, message } = command
    const text = command.argumentText ?? ''
    const address = verb === 'PORT' ? parsePortArgument(text) : parseEprtArgument(text)
    const peer = addressOf(this.#options.client.remoteAddress, this.#options.client.remotePort)
    const server = this.#server
    if (address === null) {
      this.#event('ftp-address-unreadable', `the argument of ${verb} is no address: it passes as it is`, 'up', start)
      return null
    }
    if (peer === null || server === null) return null
    // The bounce attack (RFC 2577 §3): a server made to send its data to somebody who didn't ask.
    if (address.host !== peer.host) {
      return this.#refuse(command, `500 ${verb} is for your own address.`, 'ftp-bounce-refused', `${verb} named ${address.host}, which is not the client (${peer.host})`)
    }
    if (address.port < 1024) {
      return this.#refuse(command, `500 ${verb} is for ports from 1024.`, 'ftp-bounce-refused', `${verb} named the privileged port ${address.port}`)
    }
    const raw = Buffer.from(command.raw)
    const local = addressOf(server.localAddress, server.localPort)!
    const from = addressOf(server.remoteAddress, server.remotePort)!
    return this.#listen(local.host, null, from.host, 'server', { host: address.host, port: address.port }, this.#addressForClient(), { command: message, mode: 'active', form: verb })
      .then((listener) => {
        if (listener === null) return this.#refuse(command, '425 No data connection can be opened.', 'ftp-data-refused', `${verb} was answered with 425`)
        const own = { host: local.host, port: listener.port }
        if (verb === 'EPRT') return { start, end, bytes: withEprtArgument(raw, own) }
        return { start, end, bytes: isIPv4(own.host) ? withPortArgument(raw, own) : Buffer.from(`EPRT |2|${own.host}|${own.port}|\r\n`) }
      })
  }

  /**
   * A client expects its data from the address that it reached the server by, which may be a second one of ours. Where both sides are
   * one machine's one address, there is no other to choose, and naming it would cost a search for a free port.
   */
  #addressForClient(): string | null {
    const { client } = this.#options
    return client.localAddress === client.remoteAddress ? null : addressOf(client.localAddress, 0)?.host ?? null
  }

  /** One after another: of two that are asked for in one packet, the second takes the first one's place. */
  #listen(...asked: Parameters<FtpControl['listen']>): Promise<DataListener | null> {
    const listening = this.#listening.then(() => this.listen(...asked))
    this.#listening = listening
    return listening
  }

  private async listen(
    host: string, ports: FtpSettings['dataPorts'], peer: string, accepted: 'client' | 'server', dial: Address, localAddress: string | null,
    setup: DataSetup,
  ): Promise<DataListener | null> {
    this.#prepared?.close()
    this.#prepared = null
    let listener: DataListener
    try {
      listener = await DataListener.open({
        host, ports, peer,
        onConnection: (socket) => this.#options.onData({ socket, accepted, dial, localAddress, setup }),
        onForeign: (text) => this.#event('ftp-foreign-data', text),
      })
    } catch (thrown) {
      this.#event('ftp-data-refused', `no port for the data connection that ${setup.form} asked for: ${reasonOf(thrown)}`)
      return null
    }
    if (this.#closed) listener.close()
    this.#prepared = listener
    return listener
  }

  /** The client gets `answer` where the server's reply would have come; the server gets a command that does nothing. */
  #refuse(command: CommandEvent, answer: string, kind: string, text: string): Replacement {
    this.#answers.set(command.message, Buffer.from(`${answer}\r\n`))
    this.#awaited.set(command.message, { verb: command.verb, text: '' })
    this.#event(kind, text, 'up', command.start)
    return { start: command.start, end: command.end, bytes: instead }
  }

  #event(kind: string, text: string, direction?: Direction, offset?: number): void {
    this.#options.tap?.event({ kind, source: 'relay', text, ...(direction === undefined ? {} : { direction }), ...(offset === undefined ? {} : { offset }) })
  }
}

/** The telnet synch as it is meant to come before ABOR: IAC IP IAC DM (RFC 959 §4.1.3). */
const synch = Buffer.from([0xff, 0xf4, 0xff, 0xf2])

/**
 * The byte that a client sends as urgent doesn't reach us in its place: sockets hand it out separately, and Node not at all.
 * Of a synch, a piece is missing then, which a server that reads urgent data in line would take for garbage.
 */
function withSynch({ raw, start, end }: CommandEvent): Replacement | null {
  const at = raw.toString('latin1').toUpperCase().indexOf('ABOR')
  if (at <= 0 || raw[0] !== 0xff || raw.subarray(0, at).equals(synch)) return null
  return { start, end, bytes: Buffer.concat([synch, raw.subarray(at)]) }
}

function isMapped(host: string): boolean {
  return host.startsWith('::ffff:')
}
