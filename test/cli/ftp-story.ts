import type { ConnectionRecord, FtpCommandRecord, FtpReply, FtpSession, FtpTransferRecord } from 'wiretape'
import type { FtpStory } from '../../src/cli/ftp/story.js'

const began = 1_700_000_000_000_000

/** Writes a session the way it happened, with times in ms since it began: rows in, without a recording. */
export class Telling {
  readonly #commands: FtpCommandRecord[] = []
  readonly #replies: FtpReply[] = []
  readonly #transfers: FtpTransferRecord[] = []
  readonly #data: ConnectionRecord[] = []
  #id = 1

  greeting(at: number, text = '220 hello'): this {
    return this.#reply(null, at, Number(text.slice(0, 3)), text.slice(4))
  }

  /** A command with its replies: `[at, '226 done']`. @returns its id. */
  command(at: number, line: string, ...replies: readonly (readonly [at: number, text: string])[]): number {
    const id = ++this.#id
    const space = line.indexOf(' ')
    const final = replies.findLast(([, text]) => !text.startsWith('1'))
    const code = final === undefined ? null : Number(final[1].slice(0, 3))
    this.#commands.push({
      id, sessionId: 1, connectionId: 100, ordinal: this.#commands.length, verb: space < 0 ? line : line.slice(0, space),
      argument: space < 0 ? null : line.slice(space + 1), path: null, started: time(at), replied: final === undefined ? null : time(final[0]),
      code, text: final?.[1].slice(4) ?? null, latencyMs: final === undefined ? null : final[0] - at, transferId: null, changed: false, error: null,
    })
    for (const [when, text] of replies) this.#reply(id, when, Number(text.slice(0, 3)), text.slice(4))
    return id
  }

  /** A transfer of the last command; times absent where there was no data connection, or no data. */
  transfer(facts: {
    readonly path: string, readonly up?: boolean, readonly form?: 'PASV' | 'PORT', readonly connected?: number, readonly first?: number, readonly last?: number, readonly closed?: number
    readonly bytes?: number, readonly outcome?: string, readonly error?: string
  }): this {
    const command = this.#commands.pop()!
    const id = ++this.#id
    this.#commands.push({ ...command, transferId: id })
    const { path, up = false, form = 'PASV', connected, first, last, closed, bytes = 0, outcome = 'completed', error = null } = facts
    const connectionId = connected === undefined ? null : this.#connection(connected, closed, up, bytes)
    const moment = (at: number | undefined): number | null => at === undefined ? null : time(at)
    this.#transfers.push({
      id, sessionId: 1, commandId: command.id, connectionId, verb: command.verb, direction: up ? 'up' : 'down', path, type: 'I', transferMode: 'S',
      structure: 'F', mode: connected === undefined ? null : form === 'PORT' ? 'active' : 'passive', form: connected === undefined ? null : form,
      dialledBy: connected === undefined ? null : form === 'PORT' ? 'server' : 'client', restartOffset: 0, sizeTold: null, started: command.started,
      prepared: moment(connected), connected: moment(connected), firstByte: moment(first), lastByte: moment(last), closed: moment(closed),
      replied: command.replied, durationMs: null, bytes, bytesPerSecond: last === undefined || last === connected ? null : bytes * 1000 / (last - connected!),
      sha256: null, code: command.code, text: command.text, outcome, error, changed: false,
    })
    return this
  }

  /** A data connection that no command used. */
  stray(connected: number, closed: number | undefined, bytes = 0): this {
    this.#connection(connected, closed, false, bytes)
    return this
  }

  story(ended: number | null, facts: Partial<FtpSession> = {}, events: FtpStory['events'] = []): FtpStory {
    return {
      session: {
        id: 1, connectionId: 100, user: 'anna', greeting: '220 hello', system: null, features: [], tls: false, started: began,
        ended: ended === null ? null : time(ended), outcome: ended === null ? null : 'quit', ...facts,
      },
      control: connection(100, 0, ended ?? undefined), commands: this.#commands, replies: this.#replies, transfers: this.#transfers, data: this.#data, events, instead: new Map(), bytesSent: new Map(),
    }
  }

  #reply(commandId: number | null, at: number, code: number, text: string): this {
    this.#replies.push({ commandId, time: time(at), code, text })
    return this
  }

  #connection(connected: number, closed: number | undefined, up: boolean, bytes: number): number {
    const id = ++this.#id
    this.#data.push({ ...connection(id, connected, closed), parentId: 100, role: 'data', bytesUp: up ? bytes : 0, bytesDown: up ? 0 : bytes })
    return id
  }
}

/** One file got over one passive data connection, from `at` on; 5 ms in all. */
export function plainDownload(telling: Telling, at: number, path: string, bytes = 5000): void {
  telling.command(at, 'PASV', [at + 1, '227 ok (1,2,3,4,5,6)'])
  telling.command(at + 2, `RETR ${path}`, [at + 2.5, '150 coming'], [at + 4, '226 done'])
  telling.transfer({ path: `/${path}`, connected: at + 1.5, first: at + 3, last: at + 3.5, closed: at + 4.5, bytes })
}

export function time(ms: number): number {
  return began + Math.round(ms * 1000)
}

function connection(id: number, opened: number, closed: number | undefined): ConnectionRecord {
  return {
    id, relayId: 1, protocol: 'ftp', transport: 'tcp', parentId: null, role: null, client: { host: '10.0.0.1', port: 5000 }, listen: null,
    dial: null, server: { host: '10.0.0.2', port: 21 }, opened: time(opened), connected: time(opened), closed: closed === undefined ? null : time(closed),
    endReason: null, error: null, bytesUp: 0, bytesDown: 0, droppedUp: 0, droppedDown: 0, messages: 1, changed: false, tls: null,
  }
}
