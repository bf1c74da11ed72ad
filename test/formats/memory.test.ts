import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { Http1Decoder } from '../../src/protocols/http1/index.js'
import { bytesOf } from '../real/relaying.js'
import { PcapngFile } from './capture-files.js'
import { began, capture, Frames, importing } from './importing.js'

/* What a capture made to fill memory can make an import hold. One test after the other: they look at the whole process. */

const mebibyte = 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes in buffers that something holds on to. */
function held(): number {
  collect()
  return process.memoryUsage().arrayBuffers
}

test.serial('packets far apart in a file, of which gzip makes little, hold on to none of what is between them', async (t) => {
  const gap = new PcapngFile().block(0xbad, Buffer.alloc(mebibyte)).bytes()
  const frames = new Frames(40_000, 9999).opens()
  for (let n = 0; n < 300; n++) frames.up('x')
  // Each a gzip of its own: one after the other they are one.
  const packed = Buffer.concat([gzipSync(new PcapngFile().section().interface().bytes()), ...frames.list.map((frame, n) => gzipSync(Buffer.concat([new PcapngFile().packet(0, BigInt(began + n), frame).bytes(), gap])))])
  const before = held()
  let most = 0
  let calls = 0
  const { summary } = await importing(t, packed, { onProgress: () => { if (++calls % 50 === 0) most = Math.max(most, held() - before) } })
  t.true(calls > 300)
  t.is(summary.packets, 303)
  t.true(most < 60 * mebibyte, `${most / mebibyte} MiB`)
})

test.serial('heads that never end: those that began first are kept undecoded, and nothing of them is lost', async (t) => {
  const connections = Array.from({ length: 300 }, (_, n) => {
    const frames = new Frames(20_000 + n, 8080).opens().up('GET / HTTP/1.1\r\nHost: a\r\n')
    for (let more = 0; more < 3; more++) frames.up(`X: ${'y'.repeat(50_000)}\r\n`)
    return frames
  })
  const last = connections.at(-1)!.up('\r\n').down('HTTP/1.1 204 No Content\r\n\r\n')
  const { recording } = await importing(t, capture(connections.flatMap(({ list }) => list)))
  t.truthy(last)
  const given = [...recording.events()].filter(({ kind }) => kind === 'decoder-failed')
  t.true(given.length > 50 && given.length < 200, `${given.length}`)
  t.regex(given[0]!.text, /kept undecoded: its head is not complete/)
  const all = [...recording.connections()]
  t.deepEqual(given.map(({ connectionId }) => connectionId), all.slice(0, given.length).map(({ id }) => id))
  t.is((await bytesOf(recording.stream(all[0]!.id, 'up'))).length, all[0]!.bytesUp)
  t.deepEqual([...recording.exchanges()].filter(({ status }) => status === 204).length, 1)
})

test.serial('connections of which nobody knows what they speak', async (t) => {
  const connections = Array.from({ length: 6000 }, (_, n) => new Frames(20_000 + n, 8080).opens().up(`GET /${'a'.repeat(4000)}`))
  const file = capture(connections.flatMap(({ list }) => list))
  const before = held()
  let most = 0
  const { recording, summary } = await importing(t, file, { onProgress: () => { most = Math.max(most, held() - before) } })
  t.is(summary.connections, 6000)
  t.is([...recording.connections()].filter(({ bytesUp, protocol }) => bytesUp === 4005 && protocol === 'http').length, 6000)
  t.true(most < 70 * mebibyte, `${most / mebibyte} MiB`)
})

test.serial('a decoder of a connection that has said little costs little', (t) => {
  const request = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const before = held()
  const decoders = Array.from({ length: 2000 }, () => {
    const decoder = new Http1Decoder()
    for (const _ of decoder.receive('up', request, 0));
    return decoder
  })
  t.is(decoders.length, 2000)
  t.true(held() - before < 4 * mebibyte)
})
