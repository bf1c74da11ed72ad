import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { WiretapeError, startRelay } from 'wiretape'
import type { PluginUse } from 'wiretape'
import { until } from '../real/deadline.js'
import { relaying, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

async function greeter(t: ExecutionContext): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).end('hello'))
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

const greeted = (port: number): Promise<string> => text(connect({ port, host: '127.0.0.1' }))

/** A plugin in TypeScript that replaces what the server says; it needs no package beside it. */
const saying = (word: string): string => `
  import { definePlugin } from 'wiretape'
  ${word}
  export default definePlugin({
    name: 'say', description: 'Says something else.',
    options: { mark: { type: 'string', default: '!', description: 'What ends it.' }, times: { type: 'number', default: 1, minimum: 1, maximum: 3, description: 'How often.' } },
    setup: ({ options }: { options: { mark: string, times: number } }) => ({
      stream: ({ direction }) => direction === 'up' ? undefined : async function* (chunks: AsyncIterable<Buffer>) {
        for await (const _ of chunks) yield word.repeat(options.times) + options.mark
      },
    }),
  })`

async function complaint(plugins: readonly PluginUse[]): Promise<string> {
  try {
    const relay = await startRelay({ tcp: '0=127.0.0.1:9', plugins })
    await relay.stop({ grace: 0 })
  } catch (thrown) {
    if (thrown instanceof WiretapeError && thrown.code === 'usage') return thrown.message
    throw thrown
  }
  return 'nothing'
}

test('a TypeScript file works wherever it lies, with options from its name or beside it', async (t) => {
  const path = join(temporaryFolder(t), 'say.ts')
  writeFileSync(path, saying(`const word: string = 'bye'`))
  const tcp = `0=127.0.0.1:${await greeter(t)}`
  t.is(await greeted((await relaying(t, { tcp, plugins: [path] })).port), 'bye!')
  t.is(await greeted((await relaying(t, { tcp, plugins: [`${path}:mark=\\,,times=2`] })).port), 'byebye,')
  t.is(await greeted((await relaying(t, { tcp, plugins: [{ plugin: path, options: { times: 3 } }] })).port), 'byebyebye!')
})

test('a file that lies anywhere may import the faults that ship', async (t) => {
  const path = join(temporaryFolder(t), 'say.ts')
  writeFileSync(path, `import { noop } from 'wiretape/faults'\n${saying(`const word: string = noop().plugin.name`)}`)
  t.is(await greeted((await relaying(t, { tcp: `0=127.0.0.1:${await greeter(t)}`, plugins: [path] })).port), 'noop!')
})

test('options are checked before anything starts', async (t) => {
  const path = join(temporaryFolder(t), 'say.ts')
  writeFileSync(path, saying(`const word = 'bye'`))
  t.is(await complaint([`${path}:tims=2`]), 'plugin say: it has no option tims (did you mean times?); it has mark, times')
  t.is(await complaint([`${path}:times=4`]), 'plugin say: option times: expected a number from 1 to 3, not 4')
  t.is(await complaint([`${path}:times=often`]), 'plugin say: option times: expected a number from 1 to 3, not often')
  t.regex(await complaint(['.']), /^plugin \.: .* is no file: name the file in it that exports the plugin$/)
  t.regex(await complaint(['./nowhere.ts']), /^plugin \.\/nowhere\.ts: there is no file .*nowhere\.ts$/)
  t.regex(await complaint(['no-such-plugin']), /^plugin no-such-plugin: none that ships has this name.*wiretape plugins/)
})

test('a plugin that cannot be loaded is told with its file, its line and why', async (t) => {
  const folder = temporaryFolder(t)
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const syntax = file('syntax.ts', `const a = 1\nconst b = ]\n`)
  t.regex(await complaint([syntax]), new RegExp(`^plugin ${syntax} can't be loaded: .*${syntax}:2:`, 's'))
  const throwing = file('throwing.ts', `const a = 1\n\nthrow new Error('not today')\n`)
  t.regex(await complaint([throwing]), new RegExp(`^plugin ${throwing} can't be loaded: not today \\(${throwing}:3`))
  const missing = file('missing.ts', `import './not-there.ts'\n`)
  t.regex(await complaint([missing]), /can't be loaded: .*not-there\.ts/)
  t.is(await complaint([file('empty.ts', '')]), `plugin ${join(folder, 'empty.ts')} is no plugin: it has to export definePlugin({ name, description, setup }) as its default`)
  t.regex(await complaint([file('hook.ts', `export default { name: 'hook', description: '', setup: () => ({ htpp: {} }) }`)]), /^plugin hook: there is no hook htpp \(did you mean http\?\); there are connection, http/)
  t.regex(await complaint([file('setup.ts', `export default { name: 'setup', description: '', setup: () => { throw new Error('no') } }`)]), /^plugin setup: setup failed: no$/)
})

test('saving the file or one that it imports gives new connections the new code, and drops no connection', async (t) => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'words'))
  const path = join(folder, 'say.ts')
  const word = join(folder, 'words', 'word.ts')
  writeFileSync(word, `export const word: string = 'one'`)
  writeFileSync(path, saying(`import { word } from './words/word.js'`))
  const lines: string[] = []
  const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  await new Promise<void>((resolve) => { echo.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => echo.close())
  const { port, relay, recorded } = await taping(t, { tcp: `0=127.0.0.1:${(echo.address() as AddressInfo).port}`, plugins: [path], log: (line) => lines.push(line) })
  const ask = (): Promise<string> => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.end('?')
    return text(socket)
  }
  const told = (count: number): Promise<boolean> => until(() => lines.length >= count, `${count} lines`)
  t.is(await ask(), 'one!')
  const old = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await new Promise((resolve) => { old.once('connect', resolve) })
  await until(() => relay.stats().connections === 2, 'the relay to have it')
  writeFileSync(word, `export const word: string = 'two'`)
  await told(1)
  t.is(await ask(), 'two!', lines.join())
  // As editors do that write a new file and put it in place of the old one.
  writeFileSync(`${word}~`, `export const word: string = ]`)
  renameSync(`${word}~`, word)
  await told(2)
  t.is(await ask(), 'two!', 'a broken edit leaves the last working version')
  writeFileSync(word, `export const word: string = 'three'`)
  await told(3)
  t.is(await ask(), 'three!')
  old.end('?')
  t.is(await text(old), 'one!', 'a connection keeps the code that it began with')
  t.deepEqual(lines.map((line) => line.replaceAll(path, 'say.ts').replace(/can't be loaded: .*/s, 'why')), [
    'say.ts: reloaded; new connections get the new code', 'say.ts: the earlier version stays: plugin say.ts why', 'say.ts: reloaded; new connections get the new code',
  ])
  t.is([...(await recorded()).events({ where: "kind = 'plugin-reloaded'" })].length, 2)
})

test('a hook that throws is told with the line of the plugin', async (t) => {
  const path = join(temporaryFolder(t), 'broken.ts')
  writeFileSync(path, `import { definePlugin } from 'wiretape'\ninterface Some { a: number }\n\nexport default definePlugin({ name: 'broken', description: '', setup: () => ({\n  connection: { open() {\n    throw new Error('oh no')\n  } },\n}) })\n`)
  const lines: string[] = []
  const { port } = await relaying(t, { tcp: `0=127.0.0.1:${await greeter(t)}`, plugins: [path], log: (line) => lines.push(line) })
  t.is(await greeted(port), 'hello')
  t.is(lines.length, 1)
  t.regex(lines[0]!, new RegExp(`^broken: connection\\.open failed: oh no \\(${path}:6:`))
})
