import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { until } from '../real/deadline.js'
import { installed } from '../real/installed.js'
import { connectTo, echoServer } from '../real/peer.js'
import { Lines, script, start } from '../real/program.js'
import { opening } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

const withBash = installed('bash') ? test : test.skip

for (const [name, limit] of [['while connecting', 512], ['while accepting', 513]] as const) {
  // A connection takes two descriptors, so an odd and an even limit run out at either place. Node itself wants some hundred while it loads modules.
  withBash(`bash: a relay with ${limit} file descriptors says once that it has run out (${name}), and lives on`, async (t) => {
    const target = await echoServer(t)
    const path = join(temporaryFolder(t), 'test.sqlite')
    const relay = start(t, 'bash', [
      '-c', `ulimit -n ${limit}; exec "$0" "$@"`, process.execPath, script(import.meta.url, './children/relay-process.js'),
      `127.0.0.1:${target}`, path,
    ])
    relay.stderr.on('data', (bytes: Buffer) => t.log(bytes.toString()))
    const printed: string[] = []
    relay.stdout.on('data', (bytes: Buffer) => printed.push(bytes.toString()))
    const lines = new Lines(relay.stdout)
    const port = Number((await lines.next(/^port: (\d+)$/))[1])

    const flood: Socket[] = []
    for (let n = 0; n < 600; n++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      t.teardown(() => socket.destroy())
      flood.push(socket)
    }
    await lines.next(/^problem: out of file descriptors \(EMFILE\)/)
    // More of them, so that a message for each would show.
    for (let n = 0; n < 20; n++) flood.push(connect(port, '127.0.0.1').on('error', () => {}))
    await sleep(500)
    for (const socket of flood) socket.destroy()

    await until(async () => {
      try {
        const client = await connectTo(t, port)
        return (await client.write('alive').take(5)).toString() === 'alive'
      } catch {
        return false
      }
    }, 'the relay to work again once connections have closed')
    relay.stdin.end()
    await lines.next(/^stopped$/)
    t.is(printed.join('').match(/^problem:/gm)?.length, 1, printed.join(''))
    const recording = opening(t, path)
    t.is([...recording.events({ where: 'kind = \'problem\'' })].length, 1)
    t.true([...recording.connections({ where: 'error is null' })].length > 0)
  })
}
