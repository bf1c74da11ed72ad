import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { connectTo, echoServer, serve } from '../real/peer.js'
import { run } from '../real/program.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { startWiretape, wiretape } from './wiretape.js'

test('relay --control: a ready line, relays and faults over HTTP, none named before', async (t) => {
  const running = startWiretape(t, 'relay', '--control', '0')
  const [, url] = await running.lines.next(/^control (http:\/\/127\.0\.0\.1:\d+)$/)
  await running.lines.next(/^seed \d+$/)
  const { stdout } = await run(t, 'curl', ['-s', '-d', JSON.stringify({ name: 'p', upstream: `127.0.0.1:${await echoServer(t)}` }), `${url!}/proxies`])
  const { listen } = JSON.parse(stdout.toString()) as { listen: string }
  const peer = await connectTo(t, Number(listen.split(':')[1]))
  t.is((await peer.write('x').take(1)).toString(), 'x')
  peer.socket.destroy()
  running.signal('SIGTERM')
  t.deepEqual(await running.ended, { code: 0, signal: null })
  t.is(running.stderr(), '')
})

test('record --control --json, and HOST:PORT', async (t) => {
  const file = join(temporaryFolder(t), 'x.sqlite')
  const running = startWiretape(t, 'record', '-o', file, '--control', 'localhost:0', '--tcp', `0=127.0.0.1:${await echoServer(t)}`, '--json')
  t.like(JSON.parse((await running.lines.next(/.+/))[0]), { type: 'listening', protocol: 'tcp' })
  const control = JSON.parse((await running.lines.next(/.+/))[0]) as { port: number }
  t.deepEqual(control, { type: 'control', host: '127.0.0.1', port: control.port, url: `http://127.0.0.1:${control.port}` } as typeof control)
  const { stdout } = await run(t, 'curl', ['-s', `http://localhost:${control.port}/wiretape/v1/relays`])
  t.regex(stdout.toString(), /^\[\{"name":"tcp-\d+"/)
  running.signal('SIGINT')
  t.is((await running.ended).code, 0)
})

test('the config file may name the control port', async (t) => {
  const config = join(temporaryFolder(t), 'c.json')
  writeFileSync(config, JSON.stringify({ control: 0 }))
  const running = startWiretape(t, 'relay', '-c', config)
  await running.lines.next(/^control http:/)
  running.signal('SIGTERM')
  t.is((await running.ended).code, 0)
})

test('a control port that is taken is one clear line, and leaves no recording', async (t) => {
  const { port } = await serve(t, (socket) => socket.destroy())
  const file = join(temporaryFolder(t), 'x.sqlite')
  for (const args of [['record', '-o', file, '--control', String(port)], ['relay', '--control', `127.0.0.1:${port}`], ['toxiproxy', '-host', '127.0.0.1', '-port', String(port)]]) {
    const { code, stdout, stderr } = await wiretape(t, ...args)
    t.deepEqual([code, stdout.toString()], [1, ''])
    t.is(stderr, `wiretape: the control port 127.0.0.1:${port} is taken: another program listens there; choose another, or 0 for any free one\n`)
  }
  t.false(existsSync(file))
})

test('toxiproxy: flags of one dash or two, a config file, and nothing recorded', async (t) => {
  const config = join(temporaryFolder(t), 'toxiproxy.json')
  writeFileSync(config, JSON.stringify([{ name: 'web', listen: 'localhost:0', upstream: `127.0.0.1:${await echoServer(t)}`, toxics: [{ type: 'noop' }] }, { name: 'off', listen: '[::1]:0', upstream: 'db:1', enabled: false }]))
  for (const flags of [['-host', 'localhost', '-port', '0', '-config', config, '-seed', '1700000000000000000', '-proxy-metrics'], ['--host=127.0.0.1', '-port=0', `--config=${config}`, '-seed=5']]) {
    const running = startWiretape(t, 'toxiproxy', ...flags)
    const [, relay] = await running.lines.next(/^tcp +127\.0\.0\.1:(\d+) → /)
    const [, url] = await running.lines.next(/^control (http:\/\/127\.0\.0\.1:\d+)$/)
    const { stdout } = await run(t, 'curl', ['-s', `${url!}/proxies`])
    t.regex(stdout.toString(), /^\{"off":\{"name":"off","listen":"\[::1\]:0","upstream":"db:1","enabled":false,"toxics":\[\]\},"web":\{.*"toxics":\[\{"attributes":\{\},"name":"noop_downstream"/)
    const peer = await connectTo(t, Number(relay))
    t.is((await peer.write('x').take(1)).toString(), 'x')
    running.signal('SIGTERM')
    t.deepEqual(await running.ended, { code: 0, signal: null })
    t.is(running.stderr(), '')
    await peer.over()
  }
})

const refusals: readonly [args: readonly string[], code: number, stderr: RegExp][] = [
  [['relay', '--control', 'x'], 2, /--control "x": expected PORT or HOST:PORT .*such as --control 8474/],
  [['relay', '--control', '65536'], 2, /--control "65536": expected PORT/],
  [['relay'], 2, /nothing to relay: .*--control/],
  [['relay', '--control', 'nowhere.invalid:0'], 1, /the control port can't be on nowhere\.invalid: lookup nowhere\.invalid: /],
  [['toxiproxy', '-port', 'x'], 2, /--port "x": expected a number/],
  [['toxiproxy', '-port', '99999'], 2, /the port 99999 is not from 0 to 65535/],
  [['toxiproxy', '-port', '0', '-config', '/nowhere.json'], 2, /-config \/nowhere\.json: ENOENT/],
  [['toxiproxy', '-colour', 'blue'], 2, /--colour: there is no such option; wiretape toxiproxy --help lists them/],
]

test('what is wrong with the words is one line', async (t) => {
  for (const [args, code, words] of refusals) {
    const finished = await wiretape(t, ...args)
    t.is(finished.code, code, finished.stderr)
    t.regex(finished.stderr, words)
    t.is(finished.stderr.trim().split('\n').length, 1)
  }
  const folder = temporaryFolder(t)
  const { port } = await serve(t, (socket) => socket.destroy())
  for (const [text, code, words] of [['{', 2, /unexpected EOF/], ['[{"name":"x"}]', 2, /missing required field: upstream at proxy 1/], [`[{"name":"x","listen":"127.0.0.1:${port}","upstream":"x:1"}]`, 1, /address already in use/]] as const) {
    const config = join(folder, 'c.json')
    writeFileSync(config, text)
    const finished = await wiretape(t, 'toxiproxy', '-port', '0', '-config', config)
    t.is(finished.code, code)
    t.regex(finished.stderr, words)
    t.is(finished.stderr.trim().split('\n').length, 1)
  }
})

test('help has an example', async (t) => {
  for (const flag of ['--help', '-help', '-h']) {
    const { code, stdout } = await wiretape(t, 'toxiproxy', flag)
    t.is(code, 0)
    t.regex(stdout.toString(), /Examples:\s+wiretape toxiproxy -port 8474/)
  }
})
