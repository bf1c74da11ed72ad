import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { exportRecording } from 'wiretape'
import { dnsServer, question } from '../real/dns-server.js'
import { until } from '../real/deadline.js'
import { datagramPeer } from '../real/datagram-peer.js'
import { ftpClients } from '../real/ftp/clients.js'
import { ftpServers } from '../real/ftp/servers.js'
import { httpOrigin } from '../real/http-origin.js'
import { bytesOf, opening, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { exported } from './exported.js'

const ftpServer = ftpServers.find(({ available }) => available)
const ftpClient = ftpClients.find(({ available, forms }) => available && forms[4].includes('PASV'))

/** A little of everything, in one recording. */
async function everything(t: ExecutionContext): Promise<string> {
  const origin = await httpOrigin(t)
  const names = await dnsServer(t)
  const echo = createServer((socket) => socket.pipe(socket))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  t.teardown(() => echo.close())
  const files = await ftpServer!.start(t)
  writeFileSync(join(files.folder, 'down.bin'), randomBytes(5000))
  const tape = await taping(t, {
    http: origin.target, tcp: `0=127.0.0.1:${(echo.address() as AddressInfo).port}`, udp: [`0=127.0.0.1:${names.port}`, `0=127.0.0.1:${(await datagramPeer(t)).port}`], ftp: `0=127.0.0.1:${files.port}`,
  })
  const port = (protocol: string): number => tape.relay.listeners.find((listener) => listener.protocol === protocol)!.port
  await (await fetch(`http://127.0.0.1:${port('http')}/a?b=c`, { method: 'POST', body: 'sent\u009b' })).text()
  const socket = connect(port('tcp'), '127.0.0.1')
  socket.end('hello')
  await once(socket.resume(), 'close')
  const resolver = await datagramPeer(t)
  await resolver.send(question(1, 'www.example'), port('udp'))
  await resolver.take()
  const other = await datagramPeer(t)
  await other.send('no DNS', tape.relay.listeners.filter(({ protocol }) => protocol === 'udp')[1]!.port)
  await until(() => tape.relay.stats().bytesUp >= 'no DNS'.length + question(1, 'www.example').length, 'the datagram')
  const place = { host: '127.0.0.1', port: port('ftp'), user: files.user, password: files.password, form: 'PASV' as const }
  await ftpClient!.download(t, place, 'down.bin')
  await ftpClient!.list(t, place)
  ;(await tape.recorded()).close()
  return tape.path
}

type Line = Record<string, unknown> & { readonly id: number, readonly kind: string }
const parsed = (bytes: Buffer): Line[] => bytes.toString().split('\n').slice(0, -1).map((line) => JSON.parse(line) as Line)

const withFtp = ftpServer !== undefined && ftpClient !== undefined ? test : test.skip

withFtp('JSON lines: the timeline, and under its kind each record whole', async (t) => {
  const path = await everything(t)
  const recording = opening(t, path)
  const lines = parsed(await exported(path, { format: 'jsonl' }))
  const records = [...recording.records()]
  t.deepEqual(lines.map(({ id }) => id), records.map(({ id }) => id))
  t.deepEqual([...new Set(lines.map(({ kind }) => kind))].toSorted(), ['command', 'connection', 'datagram', 'exchange', 'query', 'session', 'transfer'])
  for (const [place, { [lines[place]!.kind]: own, ...record }] of lines.entries()) {
    t.deepEqual(record as unknown, { ...records[place] })
    t.is((own as { id: unknown }).id, record.id)
  }
  const of = (kind: string): any => lines.find((line) => line.kind === kind)![kind]
  t.deepEqual(of('exchange'), recording.exchange(of('exchange').id as number))
  t.is(Buffer.from(of('datagram').bytes, 'base64').toString(), 'no DNS')
  t.is(of('query').records.length, 2)
  t.deepEqual(of('connection'), recording.connection(of('connection').id as number))
  t.true(lines.some(({ transfer }) => (transfer as any)?.listing.length === 1))
  const some = parsed(await exported(path, { format: 'jsonl', where: 'protocol = \'ftp\' and kind <> \'command\'' }))
  t.deepEqual([...new Set(some.map(({ kind }) => kind))].toSorted(), ['session', 'transfer'])
  t.deepEqual((await exported(path, { format: 'jsonl', where: 'id < 0' })).length, 0)
})

withFtp('raw: the bytes of whatever has some', async (t) => {
  const path = await everything(t)
  const recording = opening(t, path)
  const raw = (id: number, body?: 'request' | 'response'): Promise<Buffer> => exported(path, { format: 'raw', id, ...(body === undefined ? {} : { body }) })
  const [exchange] = recording.exchanges()
  t.is((await raw(exchange!.id, 'request')).toString(), 'sent\u009b')
  t.deepEqual(await raw(exchange!.id, 'response'), await bytesOf(recording.body(exchange!.id, 'response')))
  t.deepEqual(await raw(exchange!.id), Buffer.concat([await bytesOf(recording.message(exchange!.id, 'request')), await bytesOf(recording.message(exchange!.id, 'response'))]))
  t.deepEqual(await raw(exchange!.connectionId, 'response'), await bytesOf(recording.stream(exchange!.connectionId, 'down')))
  const [tcp] = recording.connections({ where: 'protocol = \'tcp\'' })
  t.is((await raw(tcp!.id)).toString(), 'hellohello')
  const [transfer] = recording.ftpTransfers()
  t.deepEqual(await raw(transfer!.id), await bytesOf(recording.transferBody(transfer!.id)))
  const [query] = recording.dnsQueries()
  t.deepEqual(await raw(query!.id, 'request'), question(1, 'www.example'))
  const [command] = recording.ftpCommands()
  await t.throwsAsync(raw(command!.id), { code: 'usage', message: /is a command: raw gives the bytes of a connection, .*; its connection is \d+$/ })
  await t.throwsAsync(raw(999_999), { code: 'not-found', message: /there is no record 999999 in/ })
})

withFtp('--where: what ls would list, over the columns that it has', async (t) => {
  const path = await everything(t)
  for (const format of ['har', 'jsonl', 'curl', 'pcapng'] as const) {
    await t.throwsAsync(exported(path, { format, where: 'statsu = 200' }), { code: 'usage', message: /there is no column statsu \(did you mean status\?\); there are id, protocol, kind,/ })
    // A column of exchanges, and none of records.
    await t.throwsAsync(exported(path, { format, where: 'url is null' }), { code: 'usage', message: /there is no column url/ })
    await t.throwsAsync(exported(path, { format, where: '1); drop table record' }), { code: 'usage', message: /it has a "\)" without its "\("/ })
  }
  t.regex((await exported(path, { format: 'har', where: 'status = 599' })).toString(), /"entries":\[\n\]\}\}\n$/)
})

test('nothing is written where something is wrong', async (t) => {
  const tape = await taping(t, { tcp: '0=127.0.0.1:1' })
  ;(await tape.recorded()).close()
  const output = join(temporaryFolder(t), 'out')
  for (const format of ['har', 'curl'] as const) {
    await t.throwsAsync(exportRecording(tape.path, { format, output }), { code: 'not-found', message: new RegExp(`has no HTTP exchanges, and ${format} holds nothing else: jsonl and pcapng take records of every kind$`) })
  }
  await t.throwsAsync(exportRecording(tape.path, { format: 'xml' as never, output }), { code: 'usage', message: '--format xml: expected one of har, pcapng, jsonl, curl, raw' })
  await t.throwsAsync(exportRecording(tape.path, { format: 'raw', output }), { code: 'usage', message: /needs --id/ })
  await t.throwsAsync(exportRecording(tape.path, { format: 'raw', output, id: 1, where: 'id = 1' }), { code: 'usage', message: /takes --id, not --where/ })
  await t.throwsAsync(exportRecording(tape.path, { format: 'har', output, id: 1 }), { code: 'usage', message: /--id is for --format raw/ })
  await t.throwsAsync(exportRecording(tape.path, { format: 'jsonl', output: tape.path, overwrite: true }), { code: 'usage', message: /is the recording itself/ })
  await t.throwsAsync(exportRecording(tape.path, { format: 'jsonl', output: join(output, 'x') }), { code: 'storage', message: /^cannot write / })
  t.is(statSync(output, { throwIfNoEntry: false }), undefined)
  // An empty recording has no records, and can be told.
  await exportRecording(tape.path, { format: 'jsonl', output })
  t.is(statSync(output).size, 0)
  t.is(statSync(output).mode & 0o777, 0o600)
  await t.throwsAsync(exportRecording(tape.path, { format: 'jsonl', output }), { code: 'exists', message: /exists: choose another name, or --overwrite it$/ })
  await exportRecording(tape.path, { format: 'pcapng', output, overwrite: true })
  t.true(statSync(output).size > 0)
})
