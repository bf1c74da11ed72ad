import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import test from 'ava'
import { redecodeRecording } from 'wiretape'
import type { Recording } from 'wiretape'
import { ftplibClient } from '../real/ftp/ftplib.js'
import { ftpServers } from '../real/ftp/servers.js'
import { httpOrigin } from '../real/http-origin.js'
import { dnsServer, question } from '../real/dns-server.js'
import { datagramPeer } from '../real/datagram-peer.js'
import { opening, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

const ftpServer = ftpServers.find(({ available }) => available)
const where = ftpServer !== undefined && ftplibClient.available ? test : test.skip

function all(recording: Recording): unknown {
  return {
    relays: recording.relays(), exchanges: [...recording.exchanges()], sessions: [...recording.ftpSessions()], commands: [...recording.ftpCommands()],
    replies: [...recording.ftpReplies()], transfers: [...recording.ftpTransfers()], datagrams: [...recording.datagrams()], queries: [...recording.dnsQueries()],
    connections: [...recording.connections()], events: [...recording.events()], records: [...recording.records()],
  }
}

where('a recording that is decoded again has the same records', async (t) => {
  const origin = await httpOrigin(t)
  const names = await dnsServer(t)
  const files = await ftpServer!.start(t)
  writeFileSync(join(files.folder, 'down.bin'), randomBytes(200_000))
  const tape = await taping(t, { http: origin.target, udp: `0=127.0.0.1:${names.port}`, ftp: `0=127.0.0.1:${files.port}`, decode: 'dns' })
  const port = (protocol: string): number => tape.relay.listeners.find((listener) => listener.protocol === protocol)!.port
  for (const size of [0, 10, 300_000]) await (await fetch(`http://127.0.0.1:${port('http')}/${size}`, { method: 'POST', body: Buffer.alloc(size, 'x') })).text()
  const resolver = await datagramPeer(t)
  await resolver.send(question(1, 'www.example'), port('udp'))
  await resolver.take()
  for (const form of ['PASV', 'PORT'] as const) {
    await ftplibClient.download(t, { host: '127.0.0.1', port: port('ftp'), user: files.user, password: files.password, form }, 'down.bin')
  }
  const before = await tape.recorded()
  const output = join(temporaryFolder(t), 'again.sqlite')
  const { path } = redecodeRecording(tape.path, { output })
  t.is(path, output)
  t.deepEqual(all(opening(t, output)), all(before))
  t.throws(() => redecodeRecording(tape.path, { output }), { code: 'exists' })
  t.throws(() => redecodeRecording(tape.path, { output: tape.path, overwrite: true }), { code: 'usage', message: /is the recording itself/ })
})
