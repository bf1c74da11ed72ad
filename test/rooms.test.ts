import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join, sep } from 'node:path'
import test from 'ava'
import { breaches, importsOf } from './room-rules.js'
import type { SourceFile } from './room-rules.js'

/** The tests run from dist/test. */
const root = fileURLToPath(new URL('../../', import.meta.url))

function sources(folder: string): SourceFile[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const path = join(folder, name)
      return { path: path.split(sep).join('/'), text: readFileSync(join(root, path), 'utf8') }
    })
}

test('every import goes downwards in the house, without circles', (t) => {
  const files = [...sources('src'), ...sources('plugins')]
  t.true(files.some(({ path }) => path === 'src/index.ts'), 'the sources are found')
  const relay = files.find(({ path }) => path === 'src/relay/relay.ts')!
  t.true(importsOf(relay.text).includes('../recording/recorder.js'), 'imports are read')
  t.deepEqual(breaches(files), [])
})

test('the rooms are where the rules look, and none is a drawer for odds and ends', (t) => {
  const paths = sources('src').map(({ path }) => path)
  t.true(['src/cli/', 'src/relay/', 'src/recording/', 'src/protocols/'].every((room) => paths.some((path) => path.startsWith(room))))
  t.deepEqual(paths.filter((path) => /\/(utils?|helpers?|common|shared|misc)(\/|\.ts$)/.test(path)), [])
})

const house: readonly SourceFile[] = [
  { path: 'src/error.ts', text: '' },
  { path: 'src/index.ts', text: 'export { a } from \'./relay/a.js\'\nexport type { C } from \'./control/c.js\'' },
  { path: 'src/cli/main.ts', text: 'import yargs from \'yargs\'\nimport { a } from \'../index.js\'\nimport { c } from \'../control/c.js\'' },
  { path: 'src/control/c.ts', text: 'import { a } from \'../relay/a.js\'' },
  { path: 'src/relay/a.ts', text: 'import { w } from \'../recording/w.js\'\nimport { E } from \'../error.js\'\nimport { b } from \'./b.js\'' },
  { path: 'src/relay/b.ts', text: 'import type { P } from \'../plugins/p.js\'' },
  { path: 'src/plugins/p.ts', text: 'import { w } from \'../recording/w.js\'' },
  { path: 'src/recording/w.ts', text: 'import { d } from \'../protocols/http1/d.js\'' },
  { path: 'src/recording/worker.ts', text: 'import { w } from \'./w.js\'' },
  { path: 'src/protocols/http1/d.ts', text: 'import { shape } from \'../decoder.js\'\nimport { Buffer } from \'node:buffer\'' },
  { path: 'src/protocols/decoder.ts', text: '' },
  { path: 'plugins/latency.ts', text: 'import { definePlugin } from \'wiretape\'\nimport { setTimeout } from \'node:timers/promises\'' },
]

test('a house in order has no breaches', (t) => {
  t.deepEqual(breaches(house), [])
})

const planted: readonly [path: string, line: string, breach: RegExp][] = [
  ['src/relay/b.ts', 'import { c } from \'../control/c.js\'', /^src\/relay\/b\.ts imports src\/control\/c\.ts: control is not below relay$/],
  ['src/recording/w.ts', 'import type { A } from \'../relay/a.js\'', /relay is not below recording/],
  ['src/recording/w.ts', 'export { p } from \'../plugins/p.js\'', /plugins is not below recording/],
  ['src/control/c.ts', 'import { r } from \'../replay/r.js\'', /replay is not below control/],
  ['src/relay/b.ts', 'const late = await import(\'../cli/main.js\')', /cli is not below relay/],
  ['src/relay/b.ts', 'import {\n  c,\n  type D,\n} from \'../formats/c.js\'', /formats is not below relay/],
  ['src/protocols/http1/d.ts', 'import { E } from \'../../error.js\'', /protocols import nothing of ours/],
  ['src/protocols/http1/d.ts', 'import { w } from \'../../recording/w.js\'', /recording is not below protocols/],
  ['src/error.ts', 'import { d } from \'./protocols/decoder.js\'', /it is below all/],
  ['src/relay/b.ts', 'import { a } from \'../index.js\'', /only the command line stands on the public face/],
  ['src/relay/b.ts', 'import { a } from \'wiretape\'', /the public face is for those outside/],
  ['src/relay/b.ts', 'import { x } from \'../oddroom/x.js\'', /in no room of the plan/],
  ['src/relay/b.ts', 'import { x } from \'../../test/x.js\'', /outside src/],
  ['src/index.ts', 'export { main } from \'./cli/main.js\'', /the library has no command line/],
  ['plugins/latency.ts', 'import { w } from \'../src/recording/w.js\'', /public face alone/],
  ['plugins/latency.ts', 'import \'./other.js\'', /public face alone/],
  ['plugins/latency.ts', 'import axios from \'axios\'', /public face alone/],
  ['src/relay/b.ts', 'import type { A } from \'./a.js\'', /^circle: src\/relay\/a\.ts → src\/relay\/b\.ts → src\/relay\/a\.ts$/],
  ['src/recording/w.ts', 'new Worker(new URL(\'./worker.js\', import.meta.url))', /^circle: src\/recording\/w\.ts → src\/recording\/worker\.ts → /],
  ['src/protocols/decoder.ts', 'import { decoder } from \'./decoder.js\'', /^circle: /],
]

for (const [path, line, breach] of planted) {
  test(`a planted breach is found: ${path} with ${line.replaceAll('\n', ' ')}`, (t) => {
    const found = breaches(house.map((file) => file.path === path ? { path, text: `${file.text}\n${line}\n` } : file))
    t.true(found.some((text) => breach.test(text)), JSON.stringify(found))
  })
}

test('imports in comments and words in texts are not imports', (t) => {
  t.deepEqual(importsOf([
    '// import { a } from \'./a.js\'', '/* import { b } from \'./b.js\' */', ' * export * from \'./c.js\'',
    'const text = "import d from \'./d.js\'"', 'import { e } from "./e.js"',
  ].join('\n')), ['./e.js'])
})
