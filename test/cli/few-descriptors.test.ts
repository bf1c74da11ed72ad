import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { installed } from '../real/installed.js'
import { run, script } from '../real/program.js'
import { temporaryFolder } from '../real/temporary-folder.js'

const withBash = installed('bash') && process.platform === 'linux' ? test : test.skip

const main = script(import.meta.url, '../../src/cli/main.js')

for (const limit of [30, 60, 90, 120, 150]) {
  withBash(`bash: with ${limit} file descriptors, what to do is one line, and nothing is left`, async (t) => {
    const folder = temporaryFolder(t)
    for (const words of [['record', '--tcp', '0=127.0.0.1:9', '-o', join(folder, 'x.sqlite')], ['demo', '-o', join(folder, 'x.sqlite')]]) {
      const { code, stdout, stderr } = await run(t, 'bash', ['-c', `ulimit -n ${limit}; exec "$0" "$@"`, process.execPath, main, ...words])
      t.deepEqual([code, stdout.length], [1, 0], stderr)
      t.regex(stderr, /^wiretape: \d+ file descriptors are left to open, and it takes 200 to begin with: raise the limit, such as with ulimit -n 1024\n$/)
    }
    t.deepEqual(readdirSync(folder), [])
  })
}

withBash('bash: listing takes few file descriptors, and says so where there are fewer still', async (t) => {
  const listing = (limit: number) => run(t, 'bash', ['-c', `ulimit -n ${limit}; exec "$0" "$@"`, process.execPath, main, 'ls', fileURLToPath(new URL('../../../recordings/sample.sqlite', import.meta.url))])
  t.is((await listing(100)).code, 0)
  const { code, stderr } = await listing(30)
  t.is(code, 1)
  t.regex(stderr, /^wiretape: \d+ file descriptors are left to open, and it takes 60 to begin with: raise the limit, such as with ulimit -n 1024\n$/)
})
