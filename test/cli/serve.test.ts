import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { recordedHttp } from '../replay/served.js'
import { alter } from '../replay/serving-bytes.js'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { connectTo, serve } from '../real/peer.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { startWiretape, wiretape } from './wiretape.js'

const asking = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/books?page=1`)).text()

test('serve stands in until it is stopped, tells of what was missing, and is strict about it where asked', async (t) => {
  const { path, target, result } = await recordedHttp(t, (_, response) => response.end('recorded'), asking)
  for (const strict of [false, true]) {
    const serving = startWiretape(t, 'serve', path, '--http', '0', ...strict ? ['--strict'] : [])
    const [, port, whom] = await serving.lines.next(/^http http:\/\/127\.0\.0\.1:(\d+) stands in for (.*)$/)
    t.is(whom, target)
    t.is(await asking(Number(port)), result)
    t.is((await fetch(`http://127.0.0.1:${port}/books?page=%1b[31m`)).status, 502)
    serving.signal('SIGINT')
    t.is((await serving.ended).code, strict ? 1 : 0)
    t.regex(serving.stderr(), /^miss: no recorded request matches GET \/books\?page=%1b\[31m: the closest is exchange \d+, GET \/books\?page=1$/m)
    t.regex(serving.stderr(), /^ {2}query page: "%1b\[31m" came, "1" is recorded$/m)
    t.regex(serving.stderr(), /^1 answer given, 1 had no recorded answer$/m)
  }
})

test('serve --strict counts what is missing of every protocol', async (t) => {
  const origin = await serve(t, (socket) => {
    socket.write('220 ready\r\n')
    socket.on('data', (bytes) => socket.write(`200 ${bytes.length}\r\n`))
  })
  const datagrams = await datagramEcho(t)
  const target = `127.0.0.1:${origin.port}`
  const tape = await taping(t, { tcp: `0=${target}`, ftp: `0=${target}`, udp: `0=127.0.0.1:${datagrams.port}` })
  const portOf = (protocol: string): number => tape.relay.listeners.find((listener) => listener.protocol === protocol)!.port
  const say = async (port: number, line: string): Promise<void> => {
    const peer = await connectTo(t, port)
    await peer.through('ready\r\n')
    peer.write(line)
    await peer.atLeast(5)
    peer.finish()
    peer.socket.destroy()
  }
  for (const protocol of ['tcp', 'ftp']) await say(portOf(protocol), 'NOOP\r\n')
  const asking = await datagramPeer(t)
  await asking.send('question', portOf('udp'))
  await asking.text()
  await tape.relay.stop()
  for (const protocol of ['tcp', 'ftp', 'udp']) {
    const serving = startWiretape(t, 'serve', tape.path, `--${protocol}`, '0', '--strict', '--json')
    const { port } = JSON.parse((await serving.lines.next(/^.*"listening".*$/))[0]) as { port: number }
    if (protocol === 'udp') await asking.send('another', port)
    else await say(port, 'DELE x\r\n')
    t.like(JSON.parse((await serving.lines.next(/^.*"miss".*$/))[0]), { protocol })
    serving.signal('SIGTERM')
    t.is((await serving.ended).code, 1, protocol)
    t.like(JSON.parse((await serving.lines.next(/^.*"served".*$/))[0]), { missed: 1 })
  }
})

test('serve: what a miss tells is escaped once, and told once', async (t) => {
  const origin = await serve(t, (socket) => { socket.once('data', () => socket.write('answer')) })
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}` })
  const client = await connectTo(t, tape.port)
  client.write('question')
  await client.through('answer')
  client.finish()
  client.socket.destroy()
  await tape.relay.stop()
  const tcp = startWiretape(t, 'serve', tape.path, '--tcp', '0')
  const other = await connectTo(t, Number((await tcp.lines.next(/^tcp .*:(\d+) stands/))[1]))
  other.write('quarrels')
  await other.over()
  tcp.signal('SIGINT')
  t.is((await tcp.ended).code, 0)
  t.regex(tcp.stderr(), /^miss: the client says something else than that of recorded connection 1\n {2}offset 2: .* came, .* is recorded\n[01] answers?/m)
  const { path } = await recordedHttp(t, (_, response) => response.end('recorded'), asking)
  const http = startWiretape(t, 'serve', path, '--http', '0')
  const odd = await connectTo(t, Number((await http.lines.next(/^http .*:(\d+) stands/))[1]))
  odd.write('GET /books?page=\x1b[31m HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
  const answer = (await odd.rest()).toString()
  t.false(answer.includes('\x1b'))
  t.true(answer.includes('matches GET /books?page=\\x1b[31m:'), answer)
  http.signal('SIGINT')
  t.is((await http.ended).code, 0)
  t.regex(http.stderr(), /^ {2}query page: "\\u001b\[31m" came, "1" is recorded$/m)
})

test('serve: options that can\'t apply to what is served are one line; a config file\'s are left aside', async (t) => {
  const origin = await serve(t, () => {})
  const tape = await taping(t, { tcp: `0=127.0.0.1:${origin.port}`, udp: `0=127.0.0.1:${origin.port}`, http: `0=http://127.0.0.1:${origin.port}` })
  await tape.relay.stop()
  for (const [args, message] of [
    [['--tcp', '0', '--on-miss', 'forward=http://127.0.0.1:9'], /^wiretape: --on-miss: only HTTP requests can be sent on to a live server; what is served is tcp, without --http\n$/],
    [['--tcp', '0', '--match', 'path'], /^wiretape: --match: only HTTP .*\n$/],
    [['--udp', '0', '--refresh', 'date'], /^wiretape: --refresh: only HTTP .*\n$/],
    [['--udp', '0', '--tcp-match', 'turn'], /^wiretape: --tcp-match: only TCP.*without --tcp or --http\n$/],
  ] as const) {
    const { code, stderr } = await wiretape(t, 'serve', tape.path, ...args)
    t.deepEqual([code, message.test(stderr)], [2, true], stderr)
  }
  const config = join(temporaryFolder(t), 'serve.json')
  writeFileSync(config, JSON.stringify({ serve: { match: ['path'] } }))
  const serving = startWiretape(t, 'serve', tape.path, '--config', config, '--tcp', '0')
  await serving.lines.next(/^tcp .*/)
  serving.signal('SIGINT')
  t.is((await serving.ended).code, 0)
  const empty = startWiretape(t, 'serve', tape.path, '--http', '0')
  await empty.lines.next(/^http .*/)
  empty.signal('SIGINT')
  t.is((await empty.ended).code, 0)
  t.regex(empty.stderr(), /^note: nothing was recorded over http$/m)
})

test('serve --json; routes from a config file', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('recorded'), asking)
  const config = join(temporaryFolder(t), 'serve.json')
  writeFileSync(config, JSON.stringify({ serve: { http: '0', routes: [{ path: '/books', ignore: ['query'] }] } }))
  const serving = startWiretape(t, 'serve', path, '--config', config, '--json')
  const { port, protocol } = JSON.parse((await serving.lines.next(/^.*"listening".*$/))[0]) as { port: number, protocol: string }
  t.is(protocol, 'http')
  t.is(await (await fetch(`http://127.0.0.1:${port}/books?page=7`)).text(), 'recorded')
})

test('serve: what can\'t be is one line, and exit code 2', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('recorded'), asking)
  for (const [args, message] of [
    [['--tcp', '0'], /^wiretape: --tcp 0: .* has no tcp, only http\n$/],
    [[], /^wiretape: nothing to serve: name at least one listener, such as --http 0\n$/],
    [['--http', '0', '--after', 'never'], /after/],
    [['--http', '0', '--match', 'x'], /^wiretape: --match x: expected method, path, query, body, host, header:NAME\n$/],
  ] as const) {
    const { code, stderr } = await wiretape(t, 'serve', path, ...args)
    t.deepEqual([code, message.test(stderr)], [2, true], stderr)
  }
  const tape = await taping(t, { tcp: ['0=127.0.0.1:9', '0=127.0.0.1:10'] })
  await tape.relay.stop()
  const line = async (args: readonly string[], path = tape.path): Promise<string> => {
    const { code, stderr } = await wiretape(t, 'serve', path, ...args)
    t.is(code, 2)
    t.regex(stderr, /^wiretape: [^\n]+\n$/)
    return stderr
  }
  t.regex(await line(['--tcp', '0']), /--tcp 0: 2 recorded relays could be meant: name one by its target: --tcp 0=127\.0\.0\.1:9, or --tcp 0=127\.0\.0\.1:10; or =all/)
  alter(tape.path, 'DELETE FROM relay')
  t.regex(await line(['--tcp', '0']), /--tcp 0: .* has no tcp: nothing was recorded\n/)
  t.regex(await line([]), /nothing to serve: .* nothing was recorded/)
  const nothing = join(temporaryFolder(t), 'nothing.sqlite')
  writeFileSync(nothing, '')
  t.regex(await line(['--http', '0'], nothing), /nothing\.sqlite is not a wiretape recording/)
  const { code, stderr } = await wiretape(t, 'serve', join(temporaryFolder(t), 'none.sqlite'), '--http', '0')
  t.is(code, 2)
  t.regex(stderr, /^wiretape: there is no /)
})
