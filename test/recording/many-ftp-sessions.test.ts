import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { Ingesting } from './ingesting.js'

/* It looks at the whole process: the only test of its file. */

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function held(): number {
  collect()
  return process.memoryUsage().heapUsed
}

test('commands that are answered are forgotten, over all control connections together', (t) => {
  const ingesting = new Ingesting(t)
  const controls = Array.from({ length: 500 }, () => ingesting.control())
  const say = (times: number): void => {
    for (let n = 0; n < times; n++) {
      for (const control of controls) {
        ingesting.says(control, 'up', 'PASV\r\n')
        ingesting.says(control, 'down', '227 Entering passive mode (127,0,0,1,4,5)\r\n')
      }
      ingesting.commits()
    }
  }
  say(80)
  const before = held()
  say(200)
  const more = (held() - before) / 1024 / 1024
  // 100,000 commands: each that is kept takes about 400 bytes.
  t.true(more < 10, `${more} MiB more`)
})
