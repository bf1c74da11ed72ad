import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import Sqlite from 'better-sqlite3'
import { compareRecordings, respond, sendRecording } from 'wiretape'
import type { Comparison } from 'wiretape'
import { applicationId } from '../../src/recording/schema-version.js'
import { tcpAndHttp } from '../../src/recording/migrations/1-tcp-and-http.js'
import { http, httpOrigin } from '../real/http-origin.js'
import { relaying, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { Ingesting } from '../recording/ingesting.js'

function counts({ same, different, failed, uncompared, onlyA, onlyB }: Comparison): string {
  return `${same} same, ${different} different, ${failed} failed, ${uncompared} uncompared, ${onlyA} only in a, ${onlyB} only in b`
}

function told({ differences }: Comparison): string[] {
  return differences.map(({ asked, field, was, now }) => `${asked} ${field}: ${was} → ${now}`)
}

/** A GET whose answer lost some of its bytes on the way into the recording, and one before it. */
function lossy(t: ExecutionContext, lost: number): Ingesting {
  const tape = new Ingesting(t)
  const handle = tape.opens('http')
  for (const path of ['/first', '/second']) {
    tape.says(handle, 'up', `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    tape.says(handle, 'down', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234')
    if (path === '/second' && lost > 0) tape.loses(handle, 'down', lost)
    tape.says(handle, 'down', '56789'.slice(path === '/second' ? lost : 0))
  }
  tape.closes(handle)
  return tape
}

test('HTTP: an answer that was not recorded whole is not compared, and not the same', async (t) => {
  const [whole, holed, other] = [lossy(t, 0).recorded(), lossy(t, 3).recorded(), lossy(t, 3).recorded()]
  for (const [a, b, differs] of [
    [whole, holed, 'recorded → 3 bytes not recorded: the disk was too slow'], [holed, whole, '3 bytes not recorded: the disk was too slow → recorded'],
    [holed, other, '3 bytes not recorded: the disk was too slow → 3 bytes not recorded: the disk was too slow'],
  ] as const) {
    const comparison = await compareRecordings(a, b)
    t.is(counts(comparison), '1 same, 0 different, 0 failed, 1 uncompared, 0 only in a, 0 only in b')
    t.deepEqual(told(comparison), [`GET /second not compared: ${differs}`])
    t.true(comparison.notes.some((note) => note.includes('lacks bytes of some connections')))
  }
  t.is(counts(await compareRecordings(whole, whole)), '2 same, 0 different, 0 failed, 0 uncompared, 0 only in a, 0 only in b')
})

test('TCP: streams with a hole are not laid side by side', async (t) => {
  const talk = (lost: number): Ingesting => {
    const tape = new Ingesting(t)
    const handle = tape.opens('tcp')
    tape.says(handle, 'up', 'hello')
    tape.says(handle, 'down', 'abc')
    if (lost > 0) tape.loses(handle, 'down', lost)
    tape.says(handle, 'down', 'def')
    tape.closes(handle)
    return tape
  }
  const comparison = await compareRecordings(talk(0).recorded(), talk(7).recorded())
  t.is(counts(comparison), '0 same, 0 different, 0 failed, 1 uncompared, 0 only in a, 0 only in b')
  t.deepEqual(told(comparison), ['connection, 5 bytes up not compared: recorded → 7 bytes were not recorded'])
})

test('UDP: answers that were not recorded are neither the same nor missing', async (t) => {
  const query = Buffer.from('00010100000100000000000001610462 6f6f6b0000010001'.replace(/ /g, ''), 'hex')
  const session = (asked: Buffer, lost: number): Ingesting => {
    const tape = new Ingesting(t)
    const handle = tape.opens('udp', { transport: 'udp', decode: 'auto', server: { host: '127.0.0.1', port: asked === query ? 53 : 9 } } as never)
    tape.says(handle, 'up', asked)
    if (lost > 0) tape.loses(handle, 'down', lost)
    tape.closes(handle)
    return tape
  }
  for (const [asked, kind] of [[query, 'dns'], [Buffer.from('hello'), 'datagrams']] as const) {
    const recordings = [session(asked, 30).recorded(), session(asked, 30).recorded(), session(asked, 0).recorded()]
    t.is([...recordings[0]!.dnsQueries()].length, kind === 'dns' ? 1 : 0)
    t.is(counts(await compareRecordings(recordings[0]!, recordings[1]!)), '0 same, 0 different, 0 failed, 1 uncompared, 0 only in a, 0 only in b', kind)
    t.is(counts(await compareRecordings(recordings[2]!, recordings[1]!)), '0 same, 0 different, 0 failed, 1 uncompared, 0 only in a, 0 only in b', kind)
    t.is(counts(await compareRecordings(recordings[2]!, recordings[2]!)), '1 same, 0 different, 0 failed, 0 uncompared, 0 only in a, 0 only in b', kind)
  }
})

test('FTP: two transfers that both lack bytes are not the same for that', async (t) => {
  const session = (content: string): Ingesting => {
    const tape = new Ingesting(t)
    const control = tape.control()
    tape.says(control, 'up', 'PASV\r\nRETR /f\r\n')
    const data = tape.data(control, 0)
    tape.says(control, 'down', '227 (127,0,0,1,9,9)\r\n150 Opening\r\n')
    tape.says(data, 'down', content)
    tape.loses(data, 'down', 50)
    tape.closes(data)
    tape.says(control, 'down', '226 Done\r\n')
    tape.closes(control)
    return tape
  }
  const comparison = await compareRecordings(session('one').recorded(), session('two').recorded())
  t.is(counts(comparison), '0 same, 0 different, 0 failed, 1 uncompared, 0 only in a, 0 only in b')
  t.deepEqual(told(comparison), ['RETR /f not compared: 50 bytes not recorded → 50 bytes not recorded'])
})

test('of equal requests, the one that fails is told, and the others are compared with their own answers', async (t) => {
  let [count, failing] = [0, false]
  const origin = await httpOrigin(t, (incoming, response) => {
    count++
    if (failing && count === 1) incoming.socket.destroy()
    else response.end(`answer ${count}`)
  })
  const taped = await taping(t, { http: origin.target })
  for (let n = 0; n < 3; n++) await (await fetch(`http://127.0.0.1:${taped.port}/`, { headers: { connection: 'close' } })).text()
  await taped.relay.stop()
  ;[count, failing] = [0, true]
  const { comparison, path } = await sendRecording(taped.path, { to: `http://127.0.0.1:${origin.port}`, record: join(temporaryFolder(t), 'now.sqlite') })
  t.is(counts(comparison), '2 same, 0 different, 1 failed, 0 uncompared, 0 only in a, 0 only in b')
  t.is(comparison.differences.length, 1)
  t.like(comparison.differences[0], { asked: 'GET /', field: 'answer', was: 'complete' })
  t.deepEqual((await compareRecordings(taped.path, path)).differences, comparison.differences)
})

test('what plugins answered themselves is no answer of a server', async (t) => {
  const origin = await httpOrigin(t, (_, response) => response.end('by the server'))
  const recorded = async (own: boolean): Promise<string> => {
    const taped = await taping(t, { http: origin.target, plugins: own ? [http('own', { request: ({ path }) => path === '/own' ? respond({ status: 418, body: 'by the plugin' }) : undefined })] : [] })
    for (const path of ['/own', '/other']) await (await fetch(`http://127.0.0.1:${taped.port}${path}`)).text()
    await taped.relay.stop()
    return taped.path
  }
  const [plain, own] = [await recorded(false), await recorded(true)]
  const comparison = await compareRecordings(plain, own)
  t.deepEqual(told(comparison), ['GET /own not compared: recorded → answered by a plugin (418)'])
  t.is(counts(comparison), '1 same, 0 different, 0 failed, 1 uncompared, 0 only in a, 0 only in b')
  t.deepEqual(comparison.notes, [`${own} has traffic that plugins changed: compared is what its servers said before that`])
  const both = await compareRecordings(own, own)
  t.is(counts(both), '1 same, 0 different, 0 failed, 0 uncompared, 0 only in a, 0 only in b')
  t.is(both.notes.at(-1), '1 request was answered by plugins in both, and not by a server: nothing of it is compared')
})

test('what the relay itself changes is no plugin\'s doing', async (t) => {
  const tape = new Ingesting(t)
  const control = tape.control()
  tape.says(control, 'up', 'PASV\r\n')
  tape.says(control, 'down', '227 (127,0,0,1,9,9)\r\n')
  tape.ingest.sent(control, 'down', 100, 11, Buffer.from('227 (127,0,0,1,8,8)\r\n'), 21, 'reply')
  tape.closes(control)
  const recording = tape.recorded()
  t.true([...recording.connections()][0]!.changed)
  t.deepEqual((await compareRecordings(recording, recording)).notes, [])
})

test('recordings with nothing in common are refused in a line', async (t) => {
  const one = (protocol: string): Ingesting => {
    const tape = new Ingesting(t)
    const handle = tape.opens(protocol)
    tape.says(handle, 'up', 'hello')
    tape.closes(handle)
    return tape
  }
  const [tcp, web, none] = [one('tcp').recorded(), one('http').recorded(), new Ingesting(t).recorded()]
  await t.throwsAsync(compareRecordings(tcp, web), { code: 'usage', message: `nothing to compare: ${tcp.path} has tcp, and ${web.path} has http` })
  await t.throwsAsync(compareRecordings(none, tcp), { code: 'usage', message: `nothing to compare: ${none.path} has no traffic` })
  await t.throwsAsync(compareRecordings(none, none), { code: 'usage', message: `nothing to compare: ${none.path} has no traffic` })
})

test('where nothing was laid side by side, that is said', async (t) => {
  const idle = (): Ingesting => {
    const tape = new Ingesting(t)
    tape.closes(tape.opens('http'))
    return tape
  }
  const comparison = await compareRecordings(idle().recorded(), idle().recorded())
  t.is(comparison.differenceCount, 0)
  t.is(comparison.compared, 0)
  t.deepEqual(comparison.notes, ['nothing was compared: what was asked in one of them was not asked in the other'])
})

test('one that is still being recorded, one that was cut off, and one that lacks a protocol are told', async (t) => {
  const origin = await httpOrigin(t, (_, response) => response.end('ok'))
  const path = join(temporaryFolder(t), 'live.sqlite')
  const relay = await relaying(t, { http: origin.target, record: path })
  await (await fetch(`http://127.0.0.1:${relay.port}/first`)).text()
  const deadline = Date.now() + 20_000
  let comparison: Comparison | null = null
  // Until it is committed there is nothing to compare.
  while ((comparison?.compared ?? 0) === 0 && Date.now() < deadline) {
    try {
      comparison = await compareRecordings(path, path)
    } catch {
      // It has no connection yet.
    }
    await new Promise((resolve) => { setTimeout(resolve, 50) })
  }
  t.deepEqual(comparison?.notes, [`${path} is still being recorded: what it has by now is compared`])
  await relay.stop()
  const cut = new Sqlite(path)
  cut.exec(`DELETE FROM recording WHERE key = 'finished'; INSERT OR REPLACE INTO recording VALUES ('writer', '999999999')`)
  cut.close()
  const tape = lossy(t, 0)
  const handle = tape.opens('tcp')
  tape.says(handle, 'up', 'hello')
  tape.closes(handle)
  const other = tape.recorded()
  t.deepEqual((await compareRecordings(path, other)).notes, [`${path} has no tcp traffic`, `${path} was cut off while it was recorded: its end is missing`])
})

test('a recording of the first version is compared', async (t) => {
  const path = join(temporaryFolder(t), 'first.sqlite')
  const database = new Sqlite(path)
  database.exec(`${tcpAndHttp}; INSERT INTO relay VALUES (1, 'http', '127.0.0.1', 1, 'http://127.0.0.1:2'); INSERT INTO connection (id, relay_id, protocol, transport, opened) VALUES (1, 1, 'http', 'tcp', 1);
    INSERT INTO http_exchange_row (id, connection_id, status, started, ended, method, path) VALUES (2, 1, 200, 1, 2, 'GET', '/items'); INSERT INTO recording VALUES ('finished', '3')`)
  database.pragma(`application_id = ${applicationId}`)
  database.pragma('user_version = 1')
  database.close()
  const comparison = await compareRecordings(path, path)
  t.is(counts(comparison), '1 same, 0 different, 0 failed, 0 uncompared, 0 only in a, 0 only in b')
  t.deepEqual(comparison.notes, [])
})
