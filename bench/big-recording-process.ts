import { RecordingFile } from '../src/recording/recording-file.js'
import { createRecordingPath } from '../src/recording/recording-path.js'
import type { ConnectionRow, HttpExchangeRow, Store } from '../src/recording/store.js'
import { Chance, chooseAnswer, requestOf, rowOf } from './invented-traffic.js'

/*
 * Writes a recording of many invented exchanges through the recorder's own store, without the sockets: heads and bodies
 * too, so that the rows that are searched lie as far apart in the file as they do in a real one.
 * Arguments: file, number of exchanges. Prints `{"matching"}`: exchanges of status 500 and up that took over 200 ms.
 */

const exchangesAConnection = 500

/** Exchanges in one transaction: about what a slab brings. */
const commitEvery = 1000

const [path, total] = [process.argv[2]!, Number(process.argv[3])]
const chance = new Chance(7)
const file = new RecordingFile({ path: createRecordingPath({ path }), append: false, facts: {} })
const { store } = file
const relay = store.relay('http', { host: '127.0.0.1', port: 8080 }, 'http://127.0.0.1:3000')
let matching = 0
let now = Date.UTC(2026, 0, 5, 9) * 1000
let connection: ConnectionRow | null = null

for (let n = 0; n < total; n++) {
  if (n % exchangesAConnection === 0) {
    if (connection !== null) store.connection({ ...connection, closed: now, endReason: 'client closed' })
    connection = openConnection(n / exchangesAConnection, now)
  }
  const row = writeExchange(store, connection!, now)
  if (row.status! >= 500 && row.ended! - row.started > 200_000) matching++
  now = row.ended! + 100
  if (n % commitEvery === 0) store.commit()
}
file.finish()
process.stdout.write(`${JSON.stringify({ matching })}\n`)

function openConnection(ordinal: number, opened: number): ConnectionRow {
  const server = { host: '127.0.0.1', port: 3000 }
  const row: ConnectionRow = {
    id: store.newId(), relayId: relay, protocol: 'http', transport: 'tcp', parentId: null, role: null,
    client: { host: '127.0.0.1', port: 40_000 + ordinal % 20_000 }, listen: { host: '127.0.0.1', port: 8080 }, opened,
    dial: server, server, connected: opened + 200, closed: null, endReason: null, error: null,
    bytesUp: 0, bytesDown: 0, droppedUp: 0, droppedDown: 0, messages: exchangesAConnection, changed: false, tls: null,
  }
  store.connection(row)
  return row
}

function writeExchange(into: Store, on: ConnectionRow, started: number): HttpExchangeRow {
  const id = into.newId()
  const request = requestOf(chance)
  const answer = chooseAnswer(chance, request)
  const end = started + answer.duration
  const up = into.segment(on.id, 'up', 'received', on.bytesUp, started, 'head', id, null, request.head)
  into.segment(on.id, 'down', 'received', on.bytesDown, end, 'head', id, null, answer.head)
  const down = into.segment(on.id, 'down', 'received', on.bytesDown + answer.head.length, end, 'body', id, null, answer.body)
  on.bytesUp += request.head.length
  on.bytesDown += answer.head.length + answer.body.length
  const row = rowOf(id, on.id, started, request, answer, {
    firstSegment: up.first, lastSegment: down.last,
    requestHeaders: into.headerList(request.headers), responseHeaders: into.headerList(answer.headers),
  })
  into.exchange(row)
  return row
}
