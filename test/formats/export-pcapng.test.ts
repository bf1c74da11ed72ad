import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { dnsServer, question } from '../real/dns-server.js'
import { datagramPeer } from '../real/datagram-peer.js'
import { freePort } from '../real/free-port.js'
import { ftplibClient } from '../real/ftp/ftplib.js'
import { ftpServers } from '../real/ftp/servers.js'
import { until } from '../real/deadline.js'
import { httpOrigin } from '../real/http-origin.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { Ingesting } from '../recording/ingesting.js'
import { TimeQueue } from '../../src/formats/export/time-queue.js'
import { Tshark } from './tshark.js'

const withTshark = installed('tshark') ? test : test.skip
const ftpServer = ftpServers.find(({ available }) => available)

withTshark('HTTP: tshark finds nothing wrong, and the same bodies', async (t) => {
  const bodies = [Buffer.from('small'), randomBytes(3_000_001), randomBytes(1460), randomBytes(70_000)] as const
  const upload = randomBytes(400_000)
  const origin = await httpOrigin(t, (request, response) => {
    request.resume().on('end', () => {
      response.setHeader('Content-Type', 'application/octet-stream')
      response.end(bodies[Number(request.url!.slice(1))])
    })
  })
  const tape = await taping(t, { http: origin.target })
  const url = (n: number): string => `http://127.0.0.1:${tape.port}/${n}`
  const { stdout } = await run(t, 'curl', ['-s', '--data-binary', '@-', url(0), url(1), url(2), url(3)], upload)
  t.true(stdout.equals(Buffer.concat(bodies)))
  const recording = await tape.recorded()
  const exchanges = [...recording.exchanges()]
  const shark = await Tshark.of(t, tape.path, [`tcp.port==${origin.port},http`])
  t.deepEqual(await shark.faults(), [])
  t.deepEqual(await shark.fields('http.request', 'http.request.method', 'http.request.uri'), [0, 1, 2, 3].map((n) => `POST\t/${n}`))
  t.deepEqual(await shark.fields('http.response', 'http.response.code', 'http.content_length_header'), bodies.map(({ length }) => `200\t${length}`))
  const objects = await shark.objects('http')
  t.deepEqual(objects.filter((object) => object.equals(upload)).length, 4)
  for (const body of bodies) t.true(objects.some((object) => object.equals(body)))

  const [connection] = recording.connections()
  const seconds = (time: number): string => `${Math.floor(time / 1e6)}.${String(time % 1e6).padStart(6, '0')}000`
  t.deepEqual(await shark.fields('tcp.flags.syn == 1 && tcp.flags.ack == 0', 'frame.time_epoch', 'ip.src', 'tcp.srcport', 'ip.dst', 'tcp.dstport', 'tcp.options.mss_val', 'frame.comment'),
    [[seconds(connection!.opened), '127.0.0.1', connection!.client!.port, '127.0.0.1', origin.port, 1460, `connection ${connection!.id}: http`].join('\t')])
  t.deepEqual((await shark.fields('frame.comment', 'frame.comment')).filter((name) => name.includes('/2')), [`${exchanges[2]!.id}: POST /2 → 200`, `${exchanges[2]!.id}: POST /2 → 200`])
  t.deepEqual(await shark.fields('tcp.flags.fin == 1', 'tcp.srcport'), [`${connection!.client!.port}`, `${origin.port}`])
  t.deepEqual(await shark.fields('tcp.len > 1460', 'frame.number'), [])
})

for (const form of ['PASV', 'PORT'] as const) {
  const where = installed('tshark') && ftpServer !== undefined && ftplibClient.available ? test.serial : test.serial.skip
  where(`FTP by ${form}: tshark ties the data to its commands`, async (t) => {
    const server = await ftpServer!.start(t)
    const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
    const [down, up] = [randomBytes(200_001), randomBytes(120_000)] as const
    writeFileSync(join(server.folder, 'down.bin'), down)
    mkdirSync(join(server.folder, 'inner'))
    const place = { host: '127.0.0.1', port: tape.port, user: server.user, password: server.password, form }
    t.true((await ftplibClient.download(t, place, 'down.bin')).equals(down))
    await ftplibClient.upload(t, place, 'up.bin', up)
    const recording = await tape.recorded()
    const shark = await Tshark.of(t, tape.path, [`tcp.port==${server.port},ftp`])
    t.deepEqual(await shark.faults(), [])
    t.deepEqual(await shark.fields('ftp.request.command', 'ftp.request.command'), [...recording.ftpCommands()].map(({ verb }) => verb))
    t.deepEqual(await shark.fields('ftp.response.code', 'ftp.response.code'), [...recording.ftpReplies()].map(({ code }) => String(code)))
    const data = [...recording.connections({ where: 'role = \'data\'' })]
    const payloads = await Promise.all(data.map(({ client }) => shark.payload(`tcp.port == ${client!.port}`)))
    t.deepEqual(payloads.map((payload, place) => payload.equals([down, up][place]!)), [true, true])
    // Of active mode, tshark knows only data connections from port 20.
    if (form === 'PASV') t.deepEqual((await shark.objects('ftp-data')).map((object) => object.equals(down) || object.equals(up)), [true, true])
    const dialled = await shark.fields('tcp.flags.syn == 1 && tcp.flags.ack == 0', 'tcp.dstport')
    t.deepEqual(dialled, [server.port, data[0]![form === 'PASV' ? 'server' : 'client']!.port, server.port, data[1]![form === 'PASV' ? 'server' : 'client']!.port].map(String))
    const [session] = recording.ftpSessions()
    const some = await Tshark.of(t, tape.path, [`tcp.port==${server.port},ftp`], `connection_id = ${session!.connectionId}`)
    t.is((await some.fields('tcp.flags.syn == 1 && tcp.flags.ack == 0', 'tcp.srcport')).length, 1)
    t.deepEqual(await some.faults(), [])
  })
}

for (const host of ['127.0.0.1', '::1']) {
  withTshark(`DNS over ${host}: the same queries and answers`, async (t) => {
    const server = await dnsServer(t, host)
    const at = host.includes(':') ? `[${host}]` : host
    const tape = await taping(t, { udp: `${at}:0=${at}:${server.port}`, decode: 'dns' })
    const client = await datagramPeer(t, host)
    for (const [id, name] of ['www.example', 'alias.example', 'nowhere.example'].entries()) {
      await client.send(question(id + 1, name), tape.port, host)
      await client.take()
    }
    await client.send('', tape.port, host)
    ;(await tape.recorded()).close()
    const shark = await Tshark.of(t, tape.path, [`udp.port==${server.port},dns`])
    t.deepEqual(await shark.fields('dns && (udp.checksum.status == "Bad" || _ws.malformed)', 'frame.number'), [])
    t.deepEqual(await shark.fields('dns.flags.response == 0', 'dns.qry.name'), ['www.example', 'alias.example', 'nowhere.example'])
    t.deepEqual(await shark.fields('dns.flags.response == 1', 'dns.id', 'dns.flags.rcode', 'dns.count.answers'), ['0x0001\t0\t2', '0x0002\t0\t1', '0x0003\t3\t0'])
  })
}

withTshark('how connections ended: in order over IPv6, by a reset, refused', async (t) => {
  const server = createServer((socket) => socket.end(randomBytes(10_000)))
  server.listen(0, '::1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const greeting = createServer((socket) => socket.on('error', () => {}).write('hello'))
  greeting.listen(0, '127.0.0.1')
  await once(greeting, 'listening')
  t.teardown(() => greeting.close())
  const { port: greeter } = greeting.address() as AddressInfo
  const closed = await freePort()
  const tape = await taping(t, { tcp: [`[::1]:0=[::1]:${(server.address() as AddressInfo).port}`, `0=127.0.0.1:${greeter}`, `0=127.0.0.1:${closed}`] })
  const [v6, torn, refused] = tape.relay.listeners
  const socket = connect(v6!.port, '::1')
  await once(socket.resume(), 'close')
  const tearing = connect(torn!.port, '127.0.0.1').on('error', () => {})
  await once(tearing, 'data')
  tearing.resetAndDestroy()
  await new Promise((resolve) => { connect(refused!.port, '127.0.0.1').on('error', () => {}).on('close', resolve) })
  await until(() => tape.relay.stats().open === 0, 'the end of all connections')
  const recording = await tape.recorded()
  t.deepEqual([...recording.connections()].map(({ endReason }) => endReason), ['server closed', 'client reset', 'connect failed'])
  const shark = await Tshark.of(t, tape.path)
  const count = async (filter: string): Promise<number> => (await shark.fields(filter, 'frame.number')).length
  t.deepEqual(await shark.fields('_ws.malformed || tcp.analysis.flags || tcp.checksum.status == "Bad"', 'frame.number'), [])
  t.is(await count('ipv6 && tcp.flags.fin == 1'), 2)
  t.deepEqual(await shark.fields('ipv6 && tcp.flags.syn == 1', 'tcp.options.mss_val'), ['1440', '1440'])
  t.is(await count(`tcp.dstport == ${greeter} && tcp.flags.reset == 1`), 1)
  t.is(await count(`tcp.srcport == ${refused!.port} && tcp.flags.reset == 1`), 1)
  t.is(await count(`tcp.port == ${refused!.port}`), 2)
})

withTshark('bytes that were not recorded are missing in the sequence too', async (t) => {
  const ingesting = new Ingesting(t)
  const handle = ingesting.opens('tcp', { server: { host: '192.0.2.7', port: 80 } })
  ingesting.says(handle, 'up', 'before')
  ingesting.loses(handle, 'up', 5000)
  ingesting.says(handle, 'up', 'after')
  ingesting.says(handle, 'down', 'answer')
  ingesting.closes(handle)
  ingesting.recorded().close()
  const shark = await Tshark.of(t, ingesting.path)
  t.deepEqual(await shark.fields('tcp.len > 0', 'tcp.seq', 'tcp.payload'), [`1\t${Buffer.from('before').toString('hex')}`, `5007\t${Buffer.from('after').toString('hex')}`, `1\t${Buffer.from('answer').toString('hex')}`])
  t.is((await shark.fields('tcp.analysis.lost_segment', 'frame.number')).length, 1)
})

test('a queue of times gives the earliest first', (t) => {
  const queue = new TimeQueue<number>()
  const times = Array.from({ length: 500 }, (_, place) => (place * 7919) % 211)
  for (const time of times) queue.put(time, time)
  const taken = times.map(() => queue.take())
  t.deepEqual(taken, times.toSorted((one, other) => one - other))
  t.is(queue.take(), undefined)
  t.is(queue.next, Infinity)
})
