import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { within } from '../real/deadline.js'
import { connectTo, echoServer, peerServer } from '../real/peer.js'
import { opening } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { startWiretape, wiretape } from './wiretape.js'

test('record prints a ready line a relay with the real port, records, and ends with 0 on SIGTERM', async (t) => {
  const file = join(temporaryFolder(t), 'x.sqlite')
  const running = startWiretape(t, 'record', '-o', file, '--tcp', `0=127.0.0.1:${await echoServer(t)}`, '--json')
  const ready = JSON.parse((await running.lines.next(/.*listening.*/))[0]) as { port: number, protocol: string, host: string }
  t.like(ready, { protocol: 'tcp', host: '127.0.0.1' })
  t.deepEqual(JSON.parse((await running.lines.next(/.*recording.*/))[0]), { type: 'recording', file })
  const peer = await connectTo(t, ready.port)
  peer.write('hello').finish()
  t.is((await peer.rest()).toString(), 'hello')
  running.signal('SIGTERM')
  t.deepEqual(await running.ended, { code: 0, signal: null })
  t.is(running.stderr(), '')
  const [record] = [...opening(t, file).records()]
  t.like(record, { protocol: 'tcp', kind: 'connection', bytes: 10, outcome: 'client closed' })
})

test('options repeat: several relays in one recording', async (t) => {
  const file = join(temporaryFolder(t), 'x.sqlite')
  const target = await echoServer(t)
  const running = startWiretape(t, 'record', '-o', file, '--tcp', `0=127.0.0.1:${target}`, '--tcp', `0=localhost:${target}`, '--http', `0=http://127.0.0.1:${target}`)
  await running.lines.next(/^http +http:\/\/127\.0\.0\.1:\d+ → http:\/\/127\.0\.0\.1:\d+$/)
  await running.lines.next(/^tcp +127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+$/)
  await running.lines.next(/^tcp +127\.0\.0\.1:\d+ → localhost:\d+$/)
  running.signal('SIGINT')
  t.is((await running.ended).code, 0)
  t.is(opening(t, file).relays().length, 3)
})

test('relay records nothing', async (t) => {
  const running = startWiretape(t, 'relay', '--tcp', `0=127.0.0.1:${await echoServer(t)}`, '--json')
  const { port } = JSON.parse((await running.lines.next(/.*listening.*/))[0]) as { port: number }
  const peer = await connectTo(t, port)
  t.is((await peer.write('x').take(1)).toString(), 'x')
  peer.finish()
  await peer.gone()
  running.signal('SIGINT')
  t.is((await running.ended).code, 0)
})

test('a second signal cuts what the first waits for', async (t) => {
  const server = await peerServer(t)
  const running = startWiretape(t, 'relay', '--grace', '3600', '--tcp', `0=127.0.0.1:${server.port}`, '--json')
  const { port } = JSON.parse((await running.lines.next(/.*listening.*/))[0]) as { port: number }
  const peer = await connectTo(t, port)
  peer.write('begin')
  await (await server.next()).take(5)
  running.signal('SIGINT')
  // The listener is closed by the first signal: once that can be seen, the second is one.
  await t.throwsAsync(within((async () => { for (;;) (await connectTo(t, port)).socket.destroy() })(), 'the listener to close'), { message: /ECONNREFUSED|ECONNRESET/ })
  running.signal('SIGINT')
  t.deepEqual(await within(running.ended, 'the end'), { code: 0, signal: null })
})

test('a file that exists is not overwritten', async (t) => {
  const file = join(temporaryFolder(t), 'x.sqlite')
  t.is((await wiretape(t, 'demo', '-o', file)).code, 0)
  const again = await wiretape(t, 'record', '-o', file, '--tcp', '0=127.0.0.1:9')
  t.is(again.code, 2)
  t.is(again.stderr, `wiretape: ${file} exists: choose another name, --overwrite it, or --append to it\n`)
})

test('a taken port is exit 1, names the port and leaves no recording behind', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  t.teardown(() => taken.close())
  const { port } = taken.address() as { port: number }
  const file = join(temporaryFolder(t), 'x.sqlite')
  const { code, stderr } = await wiretape(t, 'record', '-o', file, '--tcp', `${port}=127.0.0.1:9`)
  t.is(code, 1)
  t.regex(stderr, new RegExp(`^wiretape: 127\\.0\\.0\\.1:${port} is taken`))
  t.is(stderr.trim().split('\n').length, 1)
  t.false(existsSync(file))
})

for (const [words, pattern] of [
  [['record', '--http', '8080'], /--http 8080: expected LISTEN=TARGET/],
  [['record', '--http', 'x=http://a'], /--http x=http:\/\/a: LISTEN "x"/],
  [['record', '--http', '99999=http://a'], /LISTEN "99999"/],
  [['record', '--http', '0=gopher://a'], /has the scheme gopher/],
  [['record', '--http', '0=http://a/path'], /has a path/],
  [['record', '--tcp', '0=nohost'], /--tcp 0=nohost: TARGET "nohost" is not host:port/],
  [['record', '--tcp', '0=a:0'], /TARGET "a:0"/],
  [['record', '--tcp', '0=a:1', '--connect-timeout', '-1'], /connect-timeout/],
  [['record', '--tcp', '0=a:1', '--idle-timeout', 'soon'], /idle-timeout/],
  [['record', '--append', '--tcp', '0=a:1'], /--append needs -o FILE/],
  [['record'], /nothing to relay/],
  [['record', '--tpc', '0=a:1'], /--tpc: there is no such option; wiretape record --help/],
  [['record', '--out=x'], /--out: there is no such option/],
  [['record', 'everything'], /everything: too much for wiretape record/],
  [['record', '--tcp', '0=a:1', '--slow-disk', 'maybe'], /slow-disk/],
  [[], /name a command/],
  [['record', '-o'], /^wiretape: -o needs a value; --help has an example$/m],
  [['record', '-p'], /^wiretape: -p needs a value/],
  [['record', '--plugin'], /^wiretape: --plugin needs a value/],
  [['ls', '-w'], /^wiretape: -w needs a value/],
  [['ls', '-n'], /^wiretape: -n needs a value/],
  [['serve', '-c'], /^wiretape: -c needs a value/],
  [['recrod'], /recrod: there is no such command \(did you mean record\?\)/],
] as const) {
  test(`bad usage is one line and exit 2: ${words.join(' ')}`, async (t) => {
    const { code, stdout, stderr } = await wiretape(t, ...words)
    t.is(code, 2)
    t.is(stdout.toString(), '')
    t.regex(stderr, /^wiretape: [^\n]+\n$/)
    t.regex(stderr, pattern)
  })
}
