import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { ToldBytes } from '../../src/formats/capture/tcp/told-bytes.js'
import { ToldRing } from '../../src/formats/capture/tcp/told-ring.js'

/* It looks at the whole process: the only test of its file. */

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('what streams have told and is forgotten takes no more room', (t) => {
  const ring = new ToldRing()
  const streams = Array.from({ length: 10_000 }, () => new ToldBytes(ring))
  const piece = Buffer.alloc(64)
  const told = (times: number): number => {
    for (let n = 0; n < times; n++) for (const stream of streams) stream.add(n * piece.length, piece)
    collect()
    return process.memoryUsage().heapUsed
  }
  // As many as are remembered.
  const before = told(10)
  const more = (told(40) - before) / 1024 / 1024
  t.true(more < 20, `${more} MiB more`)
  t.is(streams[0]!.firstDifference(39 * piece.length, Buffer.alloc(64, 1)), 39 * piece.length)
})
