import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { connectTo, echoServer } from '../real/peer.js'
import { opening } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { startWiretape, wiretape } from './wiretape.js'

const shout = `import { definePlugin } from 'wiretape'
export default definePlugin({
  name: 'shout', description: 'Shouts.', options: { mark: { type: 'string', default: '!', description: 'What ends it.' } },
  setup: ({ options, log }) => ({
    connection: { open: ({ ordinal }) => log('connection ' + ordinal) },
    stream: ({ direction }) => direction === 'up' ? undefined : async function* (chunks) {
      for await (const chunk of chunks) yield chunk.toString().toUpperCase() + options.mark
    },
  }),
})
`

test('plugins lists those that ship, with every option', async (t) => {
  const { code, stdout } = await wiretape(t, 'plugins')
  t.is(code, 0)
  for (const name of ['block', 'delay', 'log', 'map-local', 'map-remote', 'redact', 'remove-header', 'rewrite-body', 'set-header']) t.regex(stdout.toString(), new RegExp(`^${name}  \\S`, 'm'))
  t.regex(stdout.toString(), /^ {2}ms=NUMBER +How long, in ms\. \(required; 0 to 3600000\)$/m)
  const lines = (await wiretape(t, 'plugins', '--json')).stdout.toString().trim().split('\n').map((line) => JSON.parse(line) as { name: string, options: Record<string, { default?: unknown }> })
  t.is(lines.find(({ name }) => name === 'block')!.options['status']!.default, 403)
})

test('a file that waits at its top level for what never comes is named', async (t) => {
  const file = join(temporaryFolder(t), 'waits.mjs')
  writeFileSync(file, 'await new Promise(() => {})\nexport default {}\n')
  const { code, stderr } = await wiretape(t, 'relay', '--tcp', '0=127.0.0.1:9', '--plugin', file)
  t.not(code, 0)
  t.is(stderr.split('\n')[0], `wiretape: plugin ${file} was never loaded to its end: a top-level await in it waits for what doesn't come`)
})

test('--plugin takes a file with options, prints the seed, and logs to standard error', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'shout.ts'), shout)
  const file = join(folder, 'x.sqlite')
  const running = startWiretape(t, 'record', '-o', file, '--tcp', `0=127.0.0.1:${await echoServer(t)}`, '--plugin', `${join(folder, 'shout.ts')}:mark=?`, '--seed', '7')
  const [, port] = await running.lines.next(/^tcp +127\.0\.0\.1:(\d+) →/)
  await running.lines.next(/^seed 7$/)
  const peer = await connectTo(t, Number(port))
  peer.write('hello').finish()
  t.is((await peer.rest()).toString(), 'HELLO?')
  running.signal('SIGTERM')
  t.is((await running.ended).code, 0)
  t.is(running.stderr(), 'shout: connection 1\n')
  const recording = opening(t, file)
  t.is(recording.facts()['seed'], '7')
  const changed = await wiretape(t, 'ls', file, '--where', 'changed', '--json')
  t.like(JSON.parse(changed.stdout.toString()), { changed: true, protocol: 'tcp' })
})

test('a config file holds relays and plugins with their options; the command line adds and overrides', async (t) => {
  const folder = temporaryFolder(t)
  const target = await echoServer(t)
  writeFileSync(join(folder, 'shout.ts'), shout)
  const config = join(folder, 'wiretape.config.ts')
  writeFileSync(config, `
    const relays: readonly string[] = ['0=127.0.0.1:${target}']
    export default { tcp: relays, seed: 3, plugins: [{ plugin: ${JSON.stringify(join(folder, 'shout.ts'))}, options: { mark: '.' } }] }`)
  const running = startWiretape(t, 'relay', '--config', config, '--tcp', `0=localhost:${target}`, '--seed', '4')
  const [, port] = await running.lines.next(/^tcp +127\.0\.0\.1:(\d+) → 127/)
  await running.lines.next(/^tcp +127\.0\.0\.1:(\d+) → localhost/)
  await running.lines.next(/^seed 4$/)
  const peer = await connectTo(t, Number(port))
  peer.write('hello').finish()
  t.is((await peer.rest()).toString(), 'HELLO.')
  running.signal('SIGTERM')
  t.is((await running.ended).code, 0)
})

const wrong: readonly [what: string, args: readonly string[], complaint: RegExp][] = [
  ['a plugin that nobody has', ['--plugin', 'delai:ms=1'], /^wiretape: plugin delai: none that ships has this name \(did you mean delay\?\)/],
  ['an option it has not', ['--plugin', 'delay:mss=1'], /^wiretape: plugin delay: it has no option mss \(did you mean ms\?\); it has ms, jitter, share, path$/],
  ['a missing option', ['--plugin', 'delay'], /^wiretape: plugin delay: option ms is missing: How long, in ms\.$/],
  ['a value out of range', ['--plugin', 'delay:ms=-1'], /^wiretape: plugin delay: option ms: expected a number from 0 to 3600000, not -1$/],
  ['a seed that is no number', ['--seed', 'x'], /^wiretape: --seed "x": expected a number$/],
  ['a config that is not there', ['--config', '/nowhere/wiretape.config.ts'], /^wiretape: --config \/nowhere\/wiretape\.config\.ts: there is no such file$/],
]

for (const [what, args, complaint] of wrong) {
  test(`${what} is one line and exit 2`, async (t) => {
    const { code, stderr } = await wiretape(t, 'relay', '--tcp', '0=127.0.0.1:9', ...args)
    t.is(code, 2)
    t.regex(stderr.trim(), complaint)
  })
}

test('a config with a mistyped key is told with the nearest', async (t) => {
  const config = join(temporaryFolder(t), 'wiretape.config.json')
  writeFileSync(config, '{"htpp": []}')
  const { code, stderr } = await wiretape(t, 'relay', '--config', config)
  t.is(code, 2)
  t.regex(stderr, /there is no option htpp \(did you mean http\?\)/)
})
