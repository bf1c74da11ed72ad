import { preparesData } from '../../protocols/ftp/index.js'
import type { ConnectedNote, EventNote, ExchangeNote, OpenedNote } from '../../recording/notes.js'
import type { Recording } from '../../recording/recording.js'
import type { ConnectionRecord, EventRecord, Segment } from '../../recording/rows.js'
import { sentKinds } from '../../recording/slab.js'
import type { SentKind } from '../../recording/slab.js'
import { readStatusHead } from '../export/head.js'

/** What the relay told the recorder of a recording's connections, found again in its rows. Handles are the ids of connections. */
export class RecordedNotes {
  readonly #recording: Recording

  constructor(recording: Recording) {
    this.#recording = recording
  }

  opened(connection: ConnectionRecord): OpenedNote {
    const { relayId, protocol, transport, client, server, listen, parentId, role } = connection
    const ftp = role === 'data' && parentId !== null ? this.#preparation(connection, parentId) : null
    return {
      type: 'opened', relay: relayId, protocol, transport: transport === 'udp' ? 'udp' : 'tcp', client, server, listen,
      ...(parentId === null ? {} : { parent: parentId }), ...(role === null ? {} : { role }), ...(ftp === null ? {} : { ftp }),
      ...(protocol === 'ftp' ? { keepPasswords: this.#kept(connection.id) } : {}),
      ...(transport === 'udp' ? { decode: this.#decoder(connection.id) } : {}), scheme: this.#scheme(connection),
    }
  }

  connected({ dial, server, client, tls }: ConnectionRecord): ConnectedNote {
    return { type: 'connected', dial, server, client, tls }
  }

  /** What isn't the decoders' own, which say it again. */
  event({ kind, source, text, direction, offset, bytes, hook, parameters, delayMs, messageId }: EventRecord): EventNote {
    const ordinal = messageId === null ? null : this.#recording.ordinal(messageId)
    return {
      type: 'event', kind, source, text, ...(direction === null ? {} : { direction }), ...(offset === null ? {} : { offset }), ...(bytes === null ? {} : { bytes }),
      ...(hook === null ? {} : { hook }), ...(parameters === null ? {} : { parameters }), ...(delayMs === null ? {} : { delayMs }),
      ...(ordinal === null ? {} : { message: ordinal }),
    }
  }

  /**
   * What has to be known before these bytes, sent instead of others, are told: that a request went on by another method, or that the relay
   * answered by itself, and when. Null where it is nothing of the kind.
   */
  exchange({ messageId, kind, direction, offset, bytes, time }: Segment): { readonly note: ExchangeNote, readonly time: number } | null {
    if (messageId === null || kind !== 'head') return null
    const message = this.#recording.ordinal(messageId)
    if (message === null) return null
    const head = bytes.toString('latin1')
    if (direction === 'up') {
      const method = /^([^\s]+) /.exec(head)?.[1]
      return method === undefined || method === this.#recording.exchange(messageId).method ? null : { time, note: { type: 'exchange', message, method } }
    }
    const said = readStatusHead(bytes)
    if (said === null || this.#recording.head(messageId, 'response').length > 0) return null
    const { version, status, reason, headers } = said
    const { responseBodySize: size, firstByte } = this.#recording.exchange(messageId)
    return { time: firstByte ?? time, note: { type: 'exchange', message, offset, ...(status < 200 ? {} : { answer: { status, reason, version, headers, size } }) } }
  }

  /** What was sent by the relay itself on a control connection is recorded like what plugins sent; the command tells which it was. */
  sentKind({ kind, messageId, bytes }: Segment): SentKind {
    if (kind !== 'command' && kind !== 'reply') return (sentKinds as readonly string[]).includes(kind) ? kind as SentKind : 'opaque'
    const [command] = messageId === null ? [] : this.#recording.ftpCommands({ where: `id = ${messageId}` })
    if (command?.changed !== true) return 'head'
    // The relay had no port for it: what it said instead is the command's reply, as it isn't with what plugins say.
    const refused = kind === 'reply' && preparesData(command.verb) === 'passive' && (command.code ?? 0) >= 400 && bytes.toString('latin1').startsWith(`${command.code} `)
    return refused ? 'head' : kind
  }

  /** The command that prepared a data connection: the last before its transfer's, or, without one, before it was opened. */
  #preparation({ id, opened }: ConnectionRecord, parentId: number): NonNullable<OpenedNote['ftp']> | null {
    const [session] = this.#recording.ftpSessions({ where: `connection_id = ${parentId}` })
    if (session === undefined) return null
    const [transfer] = this.#recording.ftpTransfers({ where: `session_id = ${session.id} AND connection_id = ${id}` })
    const form = transfer?.form ?? null
    const those = form === null ? `verb IN ('PASV', 'EPSV', 'PORT', 'EPRT') AND started <= ${opened}` : `verb = '${form}' AND id < ${transfer!.commandId}`
    const prepared = [...this.#recording.ftpCommands({ where: `session_id = ${session.id} AND ${those} AND coalesce(code, 0) < 400` })].at(-1)
    if (prepared === undefined) return null
    return { command: prepared.ordinal, mode: prepared.verb === 'PASV' || prepared.verb === 'EPSV' ? 'passive' : 'active', form: prepared.verb }
  }

  /** Passwords were asked to be kept. They stay what they are: masked, or not. */
  #kept(connectionId: number): boolean {
    return [...this.#recording.ftpCommands({ where: `connection_id = ${connectionId} AND verb IN ('PASS', 'ACCT') AND argument <> '****'`, limit: 1 })].length > 0
  }

  /** What a HAR told of, which has no clients' addresses; requests in absolute form tell theirs themselves. */
  #scheme({ id, protocol, client }: ConnectionRecord): string {
    return (protocol === 'http' && client === null ? this.#recording.lastExchange(id)?.scheme : null) ?? 'http'
  }

  /** DNS may have been asked for where the port doesn't say so. */
  #decoder(connectionId: number): string {
    return [...this.#recording.dnsQueries({ where: `connection_id = ${connectionId}`, limit: 1 })].length > 0 ? 'dns' : 'auto'
  }
}
