import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { importCapture } from 'wiretape'
import type { ConnectionRecord, Recording } from 'wiretape'
import { dnsServer } from '../real/dns-server.js'
import { curlClient } from '../real/ftp/curl.js'
import { ftplibClient } from '../real/ftp/ftplib.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import { httpOrigin } from '../real/http-origin.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { bytesOf, opening, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { canCapture, capturing } from './capturing.js'

/*
 * The same traffic twice: recorded live by a relay, and captured by tcpdump on one side of it and imported. What differs is
 * what the relay has of its own: its address, and when it saw what.
 */

const withCurl = canCapture && installed('curl') ? test.serial : test.serial.skip
const withDig = canCapture && installed('dig') ? test.serial : test.serial.skip
const withFtp = canCapture && pyftpdlib.available && ftplibClient.available && curlClient.available ? test.serial : test.serial.skip

async function imported(t: ExecutionContext, path: string): Promise<Recording> {
  const summary = await importCapture(path, { path: join(temporaryFolder(t), 'imported.sqlite') })
  t.like(summary, { complete: true, missingBytes: 0, notes: [] })
  return opening(t, summary.path)
}

async function streamsOf(recording: Recording, connections: Iterable<ConnectionRecord>): Promise<string[]> {
  const found: string[] = []
  for (const { id } of connections) {
    for (const direction of ['up', 'down'] as const) found.push((await bytesOf(recording.stream(id, direction))).toString('latin1'))
  }
  return found
}

function pick<T extends object, K extends keyof T>(records: Iterable<T>, keys: readonly K[]): Pick<T, K>[] {
  return [...records].map((record) => Object.fromEntries(keys.map((key) => [key, record[key]])) as Pick<T, K>)
}

const exchangeFacts = [
  'method', 'scheme', 'host', 'path', 'query', 'url', 'status', 'reason', 'requestVersion', 'responseVersion', 'requestHeaders', 'responseHeaders', 'requestTrailers',
  'responseTrailers', 'requestType', 'responseType', 'requestBodySize', 'responseBodySize', 'informational', 'framingFlags', 'changed', 'error',
] as const
const connectionFacts = ['protocol', 'transport', 'role', 'client', 'bytesUp', 'bytesDown', 'droppedUp', 'droppedDown', 'messages', 'error'] as const
const commandFacts = ['ordinal', 'verb', 'argument', 'path', 'code', 'text', 'error'] as const
const transferFacts = [
  'verb', 'direction', 'path', 'type', 'transferMode', 'structure', 'mode', 'form', 'dialledBy', 'restartOffset', 'sizeTold', 'bytes', 'sha256', 'code', 'text', 'outcome', 'error',
] as const

withCurl('curl against Node\'s server: the imported exchanges are those recorded live, body for body', async (t) => {
  const big = randomBytes(3_000_000)
  const origin = await httpOrigin(t, (request, response) => {
    if (request.url === '/big') response.end(big)
    else if (request.url === '/chunked') response.write('one', () => response.end('two'))
    else if (request.url === '/none') response.writeHead(204).end()
    else request.pipe(response.writeHead(200, { 'X-Name': ['a', 'b'] }))
  })
  const tape = await taping(t, { http: [origin.target] })
  const dump = await capturing(t, `tcp port ${tape.port}`)
  const url = `http://127.0.0.1:${tape.port}`
  const upload = join(temporaryFolder(t), 'upload')
  writeFileSync(upload, randomBytes(700_000))
  for (const words of [
    [`${url}/big`, `${url}/chunked?x=1`, `${url}/none`], ['-T', upload, `${url}/put`], ['-H', 'Expect: 100-continue', '--data-binary', `@${upload}`, `${url}/post`], ['-I', `${url}/head`],
    ['--http1.0', `${url}/old`],
  ]) t.is((await run(t, 'curl', ['-s', ...words])).code, 0)
  const copy = await imported(t, await dump.stopped())
  const live = await tape.recorded()
  t.is([...live.exchanges()].length, 7)
  t.deepEqual(pick(copy.exchanges(), exchangeFacts), pick(live.exchanges(), exchangeFacts))
  t.deepEqual(pick(copy.connections(), connectionFacts), pick(live.connections(), connectionFacts))
  t.deepEqual(await streamsOf(copy, copy.connections()), await streamsOf(live, live.connections()))
  const [liveOnes, copies] = [[...live.exchanges()], [...copy.exchanges()]]
  for (const [n, one] of liveOnes.entries()) {
    for (const side of ['request', 'response'] as const) t.deepEqual(await bytesOf(copy.body(copies[n]!.id, side)), await bytesOf(live.body(one.id, side)))
    t.true(Math.abs(one.started - copies[n]!.started) < 10_000_000)
  }
  t.deepEqual([...copy.connections()].map(({ endReason }) => endReason), [...live.connections()].map(({ endReason }) => endReason))
})

withCurl('curl over IPv6: the same', async (t) => {
  const origin = await httpOrigin(t)
  const tape = await taping(t, { http: [origin.target.replace(/^0=/, '[::1]:0=')] })
  const dump = await capturing(t, `tcp port ${tape.port}`)
  t.is((await run(t, 'curl', ['-s', `http://[::1]:${tape.port}/six`])).code, 0)
  const copy = await imported(t, await dump.stopped())
  const live = await tape.recorded()
  t.deepEqual(pick(copy.exchanges(), exchangeFacts), pick(live.exchanges(), exchangeFacts))
  t.deepEqual(pick(copy.connections(), connectionFacts), pick(live.connections(), connectionFacts))
})

/** No other test talks to this address: what is captured with it is ours, data connections too. */
const ownHost = '127.83.46.19'

for (const [client, form] of [[ftplibClient, 'PASV'], [ftplibClient, 'PORT'], [curlClient, 'EPSV'], [curlClient, 'EPRT']] as const) {
  withFtp(`${client.name} against pyftpdlib by ${form}: commands, replies, transfers and their bytes are those recorded live`, async (t) => {
    const server = await pyftpdlib.start(t)
    const tape = await taping(t, { ftp: [`${ownHost}:0=127.0.0.1:${server.port}`] })
    const dump = await capturing(t, `host ${ownHost}`)
    const place = { host: ownHost, port: tape.port, user: server.user, password: server.password, form }
    const content = randomBytes(400_000)
    await client.upload(t, place, 'file', content)
    t.deepEqual(await client.download(t, place, 'file'), content)
    await client.list(t, place)
    const copy = await imported(t, await dump.stopped())
    const live = await tape.recorded()
    t.is([...live.ftpTransfers()].length, 3)
    t.deepEqual(pick(copy.ftpCommands(), commandFacts).map(asRelayed), pick(live.ftpCommands(), commandFacts).map(asRelayed))
    t.deepEqual(pick(copy.ftpReplies(), ['code', 'text']).map(asRelayed), pick(live.ftpReplies(), ['code', 'text']).map(asRelayed))
    t.deepEqual(pick(copy.ftpTransfers(), transferFacts), pick(live.ftpTransfers(), transferFacts))
    t.deepEqual(pick(copy.ftpSessions(), ['user', 'greeting', 'tls', 'outcome']), pick(live.ftpSessions(), ['user', 'greeting', 'tls', 'outcome']))
    const transfers = [[...live.ftpTransfers()], [...copy.ftpTransfers()]] as const
    for (const [n, { id }] of transfers[0].entries()) t.deepEqual(await bytesOf(copy.transferBody(transfers[1][n]!.id)), await bytesOf(live.transferBody(id)))
    t.deepEqual(transfers[1].map(({ id }) => copy.ftpListing(id).map(({ name }) => name)), transfers[0].map(({ id }) => live.ftpListing(id).map(({ name }) => name)))
    t.is(JSON.stringify([...copy.segments()].map(({ bytes }) => bytes.toString('latin1'))).includes(server.password), false)
  })
}

/** The relay names addresses of its own: what it received live has the server's, or the client's. */
function asRelayed<T extends { readonly text: string | null, readonly argument?: string | null }>(record: T): T {
  const without = (text: string | null): string | null => text?.replaceAll(/\d+(?:,\d+){5}|\|\|\|\d+\||\|1\|[\d.]+\|\d+\|/g, 'ADDRESS') ?? null
  return { ...record, text: without(record.text), ...(record.argument === undefined ? {} : { argument: without(record.argument) }) }
}

withDig('dig against a name server: queries and answers are those recorded live', async (t) => {
  const server = await dnsServer(t)
  const tape = await taping(t, { udp: [`0=127.0.0.1:${server.port}`] })
  const dump = await capturing(t, `udp port ${tape.port}`)
  for (const words of [['www.example', 'A'], ['www.example', 'AAAA'], ['example', 'MX'], ['nothing.example', 'A']]) {
    t.is((await run(t, 'dig', ['@127.0.0.1', '-p', `${tape.port}`, '+tries=1', '+time=60', ...words])).code, 0)
  }
  const copy = await imported(t, await dump.stopped())
  const live = await tape.recorded()
  const facts = ['dnsId', 'name', 'type', 'class', 'opcode', 'flags', 'rcode', 'answers', 'changed', 'error'] as const
  t.is([...live.dnsQueries()].length, 4)
  t.deepEqual(pick(copy.dnsQueries(), facts), pick(live.dnsQueries(), facts))
  t.deepEqual(pick(copy.datagrams(), ['direction', 'size', 'bytes']), pick(live.datagrams(), ['direction', 'size', 'bytes']))
  t.deepEqual([...copy.dnsQueries()].map(({ id }) => copy.dnsAnswers(id)), [...live.dnsQueries()].map(({ id }) => live.dnsAnswers(id)))
  t.deepEqual(pick(copy.connections(), ['protocol', 'transport', 'client', 'bytesUp', 'bytesDown', 'messages']), pick(live.connections(), ['protocol', 'transport', 'client', 'bytesUp', 'bytesDown', 'messages']))
})

