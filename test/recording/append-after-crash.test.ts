import { once } from 'node:events'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { portIn, sixNumbers } from '../ftp/control-pair.js'
import { datagramPeer } from '../real/datagram-peer.js'
import { until } from '../real/deadline.js'
import { question } from '../real/dns-server.js'
import { connectTo, peerServer } from '../real/peer.js'
import { Lines, script, start } from '../real/program.js'
import { opening, relaying } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

/** A recorder that is killed while something of every kind is open. @returns the recording's path. */
async function cutOff(t: ExecutionContext): Promise<string> {
  const path = join(temporaryFolder(t), 'x.sqlite')
  const [web, files, data, tcp] = await Promise.all([peerServer(t), peerServer(t), peerServer(t), peerServer(t)])
  const silent = await datagramPeer(t)
  const program = start(t, process.execPath, [
    script(import.meta.url, '../../src/cli/main.js'), 'record', '-o', path, '--seed', '5', '--json',
    '--http', `0=http://127.0.0.1:${web.port}`, '--ftp', `0=127.0.0.1:${files.port}`, '--tcp', `0=127.0.0.1:${tcp.port}`, '--udp', `0=127.0.0.1:${silent.port}`, '--decode', 'dns',
  ])
  const lines = new Lines(program.stdout)
  const ports: Record<string, number> = {}
  for (let n = 0; n < 4; n++) {
    const { protocol, port } = JSON.parse((await lines.next(/^\{.*$/))[0]) as { protocol: string, port: number }
    ports[protocol] = port
  }
  const browser = await connectTo(t, ports['http']!)
  browser.write('GET /half HTTP/1.1\r\nHost: h\r\n\r\n')
  const served = await web.next()
  await served.through('\r\n\r\n')
  served.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
  await browser.through('half')
  const client = await connectTo(t, ports['ftp']!)
  const server = await files.next()
  server.write('220 ready\r\n')
  await client.through('\r\n')
  client.write('PASV\r\n')
  await server.through('\r\n')
  server.write(`227 (${sixNumbers(data.port)})\r\n`)
  const receiving = await connectTo(t, portIn(await client.through('\r\n')))
  client.write('RETR /f\r\n')
  await server.through('\r\n')
  server.write('150 Opening\r\n')
  ;(await data.next()).write('some')
  await receiving.take(4)
  const plain = await connectTo(t, ports['tcp']!)
  plain.write('hello')
  await (await tcp.next()).take(5)
  await (await datagramPeer(t)).send(question(7, 'www.example'), ports['udp']!)
  await silent.take()
  const written = (): boolean => {
    const recording = opening(t, path)
    try {
      return [...recording.records({ where: `outcome = 'open'` })].length >= 6 && [...recording.exchanges()].some(({ responseBodySize }) => responseBodySize === 4)
        && [...recording.ftpTransfers()].some(({ bytes }) => bytes === 4)
    } finally {
      recording.close()
    }
  }
  await until(written, 'all of it to be recorded')
  program.kill('SIGKILL')
  await once(program, 'exit')
  return path
}

test('who appends to a recording that was cut off ends what was left open, and keeps what is known of the first run', async (t) => {
  const path = await cutOff(t)
  const before = opening(t, path)
  const { started, seed, writer } = before.facts()
  before.close()
  t.is(seed, '5')
  for (const next of [6, 7]) {
    const relay = await relaying(t, { tcp: '0=127.0.0.1:9', record: { path, append: true }, seed: next })
    await relay.stop()
  }
  const recording = opening(t, path)
  t.deepEqual([...recording.records({ where: `outcome = 'open'` })], [])
  t.deepEqual([...recording.connections({ where: 'closed IS NULL' })], [])
  t.true([...recording.connections()].every(({ opened, closed, endReason, error }) => closed! >= opened && endReason === 'recording ended' && error === null))
  t.like([...recording.exchanges()][0], { status: 200, error: 'exchange cut: recording ended', responseBodySize: 4 })
  t.like([...recording.ftpSessions()][0], { outcome: 'recording ended' })
  t.deepEqual([...recording.ftpCommands()].map(({ verb, code, error }) => [verb, code, error]), [['PASV', 227, null], ['RETR', null, 'no reply: recording ended']])
  t.like([...recording.ftpTransfers()][0], { outcome: 'incomplete', error: 'recording ended before it did', bytes: 4, sha256: null })
  t.like([...recording.dnsQueries()][0], { error: 'no answer: recording ended' })
  const [event, ...others] = [...recording.events({ where: `kind = 'cut-off'` })]
  t.deepEqual(others, [])
  t.is(event!.text, 'the program that recorded died here; what was open then is told as ended (recording ended): 5 connections, 1 exchange, 1 FTP session, 1 FTP command, 1 transfer, 1 DNS query')
  // Nothing of it is later than what was recorded.
  const last = [...recording.segments()].at(-1)!.time
  t.is(event!.time, last)
  t.true([...recording.connections()].every(({ closed }) => closed === last))
  const facts = recording.facts()
  t.deepEqual([facts['started'], facts['seed'], facts['seed.2'], facts['seed.3']], [started, '5', '6', '7'])
  t.true(Number(facts['started.2']) > Number(started) && Number(facts['started.3']) > Number(facts['started.2']))
  t.truthy(facts['finished'])
  t.is(facts['writer'], undefined)
  t.not(writer, undefined)
})
