import { connect } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { installed } from '../real/installed.js'
import { connectTo, peerServer } from '../real/peer.js'
import { Lines, script, start } from '../real/program.js'
import { opening } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { portIn, sixNumbers } from './control-pair.js'

const withBash = installed('bash') ? test : test.skip

withBash('a data connection for which no file descriptor is left is turned away, and its session says so', async (t) => {
  const listening = await peerServer(t)
  const path = join(temporaryFolder(t), 'test.sqlite')
  const relay = start(t, 'bash', [
    '-c', 'ulimit -n 512; exec "$0" "$@"', process.execPath, script(import.meta.url, '../relay/children/relay-process.js'), `127.0.0.1:${listening.port}`, path, 'ftp',
  ])
  const lines = new Lines(relay.stdout)
  const port = Number((await lines.next(/^port: (\d+)$/))[1])
  const client = await connectTo(t, port)
  const server = await listening.next()
  server.write('220 ready\r\n')
  await client.through('\r\n')
  client.write('PASV\r\n')
  await server.through('\r\n')
  server.write(`227 (${sixNumbers(40_000)})\r\n`)
  const dataPort = portIn(await client.through('\r\n'))
  for (let n = 0; n < 400; n++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
  }
  await lines.next(/^problem: out of file descriptors/)
  await (await connectTo(t, dataPort)).gone()
  relay.stdin.end()
  await lines.next(/^stopped$/)
  const recording = opening(t, path)
  const [event] = recording.events({ where: 'kind = \'ftp-data-refused\'' })
  t.regex(event!.text, /file descriptors/)
  t.is(event!.connectionId, [...recording.connections()][0]!.id)
})
