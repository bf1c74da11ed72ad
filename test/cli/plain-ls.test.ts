import test from 'ava'
import { plainLs } from '../../src/cli/plain-ls.js'

const nothing = { file: undefined, where: undefined, limit: undefined, follow: false, json: false }

for (const [words, read] of [
  [['ls'], nothing],
  [['ls', 'a.sqlite', '--json'], { ...nothing, file: 'a.sqlite', json: true }],
  [['ls', '--where', 'status = 1', '-f'], { ...nothing, where: 'status = 1', follow: true }],
  [['ls', '-w', 'a', '-n', '3', 'b'], { ...nothing, file: 'b', where: 'a', limit: 3 }],
  [['ls', '--where=a = \'--json\'', '--limit=0'], { ...nothing, where: 'a = \'--json\'', limit: 0 }],
  [['ls', '--', '-a'], { ...nothing, file: '-a' }],
] as const) {
  test(`plain: ${words.join(' ')}`, (t) => {
    t.deepEqual(plainLs(words), read)
  })
}

for (const words of [
  ['show', '1'], ['--help'], ['ls', '--help'], ['ls', '--jsn'], ['ls', 'a', 'b'], ['ls', '--where'], ['ls', '--where', ''], ['ls', '--where', 'a', '-w', 'b'],
  ['ls', '--limit', 'few'], ['ls', '--limit', '-1'], ['ls', '--json=true'], ['ls', '--no-json'], ['ls', '--json', '--json'], ['ls', ''],
]) {
  test(`left to yargs: ${JSON.stringify(words)}`, (t) => {
    t.is(plainLs(words), null)
  })
}
