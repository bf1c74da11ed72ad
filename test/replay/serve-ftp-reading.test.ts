import { setImmediate as breathe } from 'node:timers/promises'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import Sqlite from 'better-sqlite3'
import type { FtpRows } from '../../src/recording/ftp-rows.js'
import type { Recording } from '../../src/recording/recording.js'
import { SessionReader } from '../../src/replay/serve/ftp/recorded-sessions.js'
import { opening, taping } from '../real/relaying.js'

interface Said {
  readonly verb: string
  readonly argument?: string
  readonly code: number
  readonly text?: string
  /** It has a transfer. */
  readonly carries?: boolean
}

/** A recording with these sessions. */
async function recorded(t: ExecutionContext, sessions: Iterable<readonly Said[]>): Promise<Recording> {
  const tape = await taping(t, { ftp: '0=127.0.0.1:1' })
  await tape.relay.stop()
  const database = new Sqlite(tape.path)
  const insert = (table: string, row: Record<string, string | number | null>): number => Number(
    database.prepare(`INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.keys(row).fill('?').join(', ')})`).run(...Object.values(row)).lastInsertRowid)
  database.transaction(() => {
    const relayId = database.prepare('SELECT id FROM relay').pluck().get() as number
    let id = 100
    for (const session of sessions) {
      const connectionId = insert('connection', { id: id++, relay_id: relayId, protocol: 'ftp', transport: 'tcp', opened: id, bytes_up: 0, bytes_down: 0, dropped_up: 0, dropped_down: 0, messages: 0, changed: 0 })
      const sessionId = insert('ftp_session', { id: id++, connection_id: connectionId, tls: 0, started: id })
      for (const [ordinal, { verb, argument = null, code, text = '', carries = false }] of session.entries()) {
        const commandId = insert('ftp_command', { id: id++, session_id: sessionId, connection_id: connectionId, ordinal, verb, argument, started: id, code, text, changed: 0 })
        if (carries) insert('ftp_transfer', { id: id++, session_id: sessionId, command_id: commandId, verb, direction: 'down', type: 'A', transfer_mode: 'S', structure: 'F', outcome: 'completed', started: id })
      }
    }
  })()
  database.close()
  return opening(t, tape.path)
}

/** What is read of it, counted, and how much of that in one turn of the event loop at most. */
function counting(recording: Recording): { readonly recording: Recording, readonly turns: { most: number, all: number }, stop(): void } {
  const turns = { most: 0, all: 0 }
  let [now, over] = [0, false]
  const read = (count: number): void => {
    now += count
    turns.all += count
    turns.most = Math.max(turns.most, now)
  }
  void (async () => {
    while (!over) {
      await breathe()
      now = 0
    }
  })()
  const rows = new Proxy(recording.ftpRows(), {
    get: (all, name: keyof FtpRows) => (...values: unknown[]) => {
      const found = (all[name] as (...given: unknown[]) => unknown).apply(all, values)
      if (name !== 'commands' && name !== 'transfers') return found
      return (function* () {
        for (const page of found as Iterable<readonly unknown[]>) {
          read(page.length)
          yield page
        }
      })()
    },
  })
  return { recording: { path: recording.path, ftpRows: () => rows } as unknown as Recording, turns, stop: () => { over = true } }
}

const login = (user: string): readonly Said[] => [{ verb: 'USER', argument: user, code: 331 }, { verb: 'PASS', argument: '****', code: 230 }]

async function read(t: ExecutionContext, sessions: Iterable<readonly Said[]>, wait: (reader: SessionReader) => Promise<void> = async () => {}): Promise<{ reader: SessionReader, most: number, all: number }> {
  const { recording, turns, stop } = counting(await recorded(t, sessions))
  const reader = new SessionReader(recording, [...opening(t, recording.path).relays()].map(({ id }) => id))
  await Promise.all([reader.read(), wait(reader)])
  stop()
  await reader.grown()
  return { reader, ...turns }
}

test('where a user lands whom nothing tells of is looked for while others have their turn', async (t) => {
  const sessions = [[...login('other'), { verb: 'SIZE', argument: 'f', code: 213 }]]
  for (let index = 0; index < 1500; index++) sessions.push([...login('user'), { verb: 'PWD', code: 257, text: '"/home/user"' }, ...Array.from({ length: 7 }, () => ({ verb: 'NOOP', code: 200 }))])
  const { reader, most, all } = await read(t, sessions, async (reading) => {
    await Promise.all([reading.homeKnown('user'), reading.homeKnown('nobody'), reading.homeKnown('nobody')])
  })
  t.deepEqual([reader.homes('user'), reader.homes('other'), reader.homes('nobody')], ['/home/user', '/', '/'])
  t.is(reader.commands[2]!.path, '/f')
  t.true(all > 30_000 && most < 3000, `${most} of ${all}`)
})

test('a long session that tells no folder, and has a transfer for each command, is read a little at a time', async (t) => {
  const { reader, most, all } = await read(t, [[...login('user'), ...Array.from({ length: 8000 }, (_, index) => ({ verb: 'RETR', argument: `f${index}`, code: 226, carries: true }))]])
  t.is(reader.commands.length, 8002)
  t.true(reader.commands.every(({ verb, transfer, id }) => verb === 'RETR' ? transfer?.commandId === id : transfer === null))
  t.true(all > 20_000 && most < 3000, `${most} of ${all}`)
})
