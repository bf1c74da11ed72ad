import { closeSync, openSync, writeSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { compareRecordings, openRecording, serveRecording } from 'wiretape'
import { recordedHttp } from './served.js'

/*
 * A recording of which a page is damaged: whoever meets it first says so in words.
 */

/** @returns a recording's path. @param tables whose first pages are nonsense. */
async function damaged(t: ExecutionContext, ...tables: readonly string[]): Promise<string> {
  const { path } = await recordedHttp(t, (_, response) => response.end('x'), async (port) => { await (await fetch(`http://127.0.0.1:${port}/`)).text() })
  const database = new Sqlite(path)
  const size = database.pragma('page_size', { simple: true }) as number
  const pages = tables.map((table) => database.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').pluck().get(table) as number)
  database.close()
  const file = openSync(path, 'r+')
  for (const page of pages) writeSync(file, Buffer.alloc(size, 0xff), 0, size, (page - 1) * size)
  closeSync(file)
  return path
}

for (const table of ['recording', 'relay', 'connection', 'http_exchange_row', 'segment']) {
  test(`a page of the table ${table} that can't be read is one clear line`, async (t) => {
    const path = await damaged(t, table)
    const told = { code: 'storage', message: `cannot read ${path}: database disk image is malformed` }
    await t.throwsAsync(compareRecordings(path, path), told)
    if (table === 'relay') await t.throwsAsync(serveRecording(path, { http: 0 }), told)
    if (table !== 'segment') return
    using recording = openRecording(path)
    const [exchange] = recording.exchanges()
    t.throws(() => recording.exchangeSegments(exchange!.id), told)
    t.throws(() => [...recording.messagePieces(exchange!.id, 'response')], told)
  })
}
