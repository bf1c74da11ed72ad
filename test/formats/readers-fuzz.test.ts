import test from 'ava'
import fc from 'fast-check'
import { BrokenCapture } from '../../src/formats/capture/captured-packet.js'
import type { CaptureReader, CaptureSink } from '../../src/formats/capture/captured-packet.js'
import { ClassicPcap } from '../../src/formats/capture/classic-pcap.js'
import { linkTypes } from '../../src/formats/capture/link-types.js'
import { NanosecondPcap } from '../../src/formats/capture/nanosecond-pcap.js'
import { Fragments } from '../../src/formats/capture/packets/fragments.js'
import { readIp } from '../../src/formats/capture/packets/ip.js'
import { findIp } from '../../src/formats/capture/packets/link-layer.js'
import { readTcp } from '../../src/formats/capture/packets/tcp.js'
import { readUdp } from '../../src/formats/capture/packets/udp.js'
import { Pcapng } from '../../src/formats/capture/pcapng.js'
import { ReassemblyMemory } from '../../src/formats/capture/tcp/memory.js'
import { TcpStream } from '../../src/formats/capture/tcp/stream.js'
import { EntrySplitter } from '../../src/formats/har/entry-splitter.js'
import { PcapngFile } from './capture-files.js'
import { began, capture, Frames } from './importing.js'

/*
 * What holds of every reader, whatever the bytes are: it comes to an end, throws nothing but where it broke, which is
 * within the file, and says the same however the bytes were cut.
 */

type Told = { readonly lines: readonly string[], readonly broken: string | null }

function told(make: (sink: CaptureSink) => CaptureReader, file: Buffer, cuts: readonly number[]): Told {
  const lines: string[] = []
  const reader = make({ packet: ({ number, offset, time, linkType, bytes, length }) => lines.push(`${number} ${offset} ${time} ${linkType} ${length} ${bytes.toString('hex')}`), note: (text) => lines.push(text) })
  try {
    let from = 0
    for (const cut of [...cuts.map((cut) => cut % (file.length + 1)).toSorted((one, other) => one - other), file.length]) {
      if (cut > from) reader.take(file.subarray(from, cut))
      from = Math.max(from, cut)
    }
    reader.end()
    return { lines, broken: null }
  } catch (thrown) {
    if (!(thrown instanceof BrokenCapture)) throw thrown
    if (!(thrown.offset >= 0 && thrown.offset <= file.length)) throw new Error(`it broke at ${thrown.offset} of ${file.length}`, { cause: thrown })
    return { lines, broken: `${thrown.offset} ${thrown.packet} ${thrown.message}` }
  }
}

const harReader = ({ note }: CaptureSink): CaptureReader => {
  const splitter = new EntrySplitter((text, offset, ordinal) => note(`${ordinal} ${offset} ${text}`))
  return { take: (chunk) => splitter.take(chunk), end: () => splitter.end() }
}

const frames = new Frames(40_000, 8080).opens().up('GET / HTTP/1.1\r\n\r\n').down('HTTP/1.1 204 No Content\r\n\r\n').closes().list
const pcapng = (bigEndian: boolean): Buffer => {
  const file = new PcapngFile().section(bigEndian).interface(1, { resolution: 9 }).block(77, Buffer.alloc(8))
  for (const frame of frames.slice(0, 4)) file.packet(0, BigInt(began) * 1000n, frame)
  return file.section(!bigEndian).interface(101).simplePacket(Buffer.from('simple')).obsoletePacket(0, 1n, Buffer.from('old')).bytes()
}
const readers: readonly [name: string, make: (sink: CaptureSink) => CaptureReader, file: Buffer][] = [
  ['classic pcap', (sink) => new ClassicPcap(sink), capture(frames)],
  ['big-endian classic pcap', (sink) => new ClassicPcap(sink), capture(frames, { bigEndian: true })],
  ['nanosecond pcap', (sink) => new NanosecondPcap(sink), capture(frames, { nanoseconds: true })],
  ['pcapng', (sink) => new Pcapng(sink), pcapng(false)],
  ['big-endian pcapng', (sink) => new Pcapng(sink), pcapng(true)],
  ['HAR', harReader, Buffer.from('{"log":{"version":"1.2","pages":[{"a":[1]}],"entries":[{"a":"}]\\"","b":{"c":[]}},{"d":null}]}}')],
]

const change = fc.record({ at: fc.nat(), value: fc.oneof(fc.nat(255), fc.constantFrom(0, 0xff, 0x7f, 0x80)), count: fc.nat(4) })

for (const [name, make, file] of readers) {
  test(`${name}: cut off at every byte, what is told is the beginning of what is in it`, (t) => {
    const whole = told(make, file, [])
    t.is(whole.broken, null)
    for (let length = 0; length <= file.length; length++) {
      const { lines } = told(make, file.subarray(0, length), [])
      if (lines.some((line, place) => line !== whole.lines[place])) t.fail(`cut at ${length}: ${lines.at(-1)}`)
    }
  })

  test(`${name}: changed at random and read in random pieces, it ends, and the pieces don't matter`, (t) => {
    t.notThrows(() => fc.assert(fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), fc.nat(), (changes, cuts, cutOff) => {
      const bytes = Buffer.from(file.subarray(0, cutOff % 3 === 0 ? 1 + cutOff % file.length : file.length))
      for (const { at, value, count } of changes) bytes.fill(value, at % bytes.length, Math.min(bytes.length, at % bytes.length + count))
      const [atOnce, inPieces] = [told(make, bytes, []), told(make, bytes, cuts)]
      return JSON.stringify(atOnce) === JSON.stringify(inPieces)
    }), { numRuns: 400 }))
  })

  test(`${name}: bytes without any sense after its beginning`, (t) => {
    t.notThrows(() => fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(40), (rubbish, kept) => {
      told(make, Buffer.concat([file.subarray(0, kept), rubbish]), [])
    }), { numRuns: 400 }))
  })
}

test('any bytes as a packet of any link type: layers are read or refused', (t) => {
  const fragments = new Fragments()
  let time = 0
  t.notThrows(() => fc.assert(fc.property(
    fc.constantFrom(...Object.values(linkTypes)), fc.uint8Array({ maxLength: 120 }), fc.constantFrom(null, 0x45, 0x4f, 0x60), fc.nat(70_000),
    (linkType, rubbish, version, more) => {
      const bytes = Buffer.from(rubbish)
      const place = findIp(linkType, bytes)
      const at = place < 0 ? 0 : place
      if (version !== null && bytes.length > at) bytes[at] = version
      const part = readIp(bytes, at, bytes.length + more)
      const packet = part === null ? null : fragments.take(part, ++time)
      if (packet === null) return
      for (const read of [readTcp(packet.payload, packet.missing), readUdp(packet.payload, packet.missing, packet.version)]) {
        if (read !== null && (read.missing < 0 || read.payload.length > bytes.length)) throw new Error(JSON.stringify(read))
      }
    },
  ), { numRuns: 5000 }))
})

/** What waits is counted on its own. */
class Counting extends ReassemblyMemory {
  counted = 0

  override wait(...args: Parameters<ReassemblyMemory['wait']>): number {
    const cost = super.wait(...args)
    this.counted += cost
    return cost
  }

  override release(...args: Parameters<ReassemblyMemory['release']>): void {
    this.counted -= args[1]
    super.release(...args)
  }
}

test('any segments of a stream: bytes are told in order, once, without overlap, and first come is kept', (t) => {
  const segment = fc.record({ at: fc.integer({ min: -20, max: 60 }), length: fc.nat(25), missing: fc.oneof(fc.constant(0), fc.nat(10)), fin: fc.boolean(), acknowledged: fc.option(fc.integer({ min: -5, max: 90 })) })
  t.notThrows(() => fc.assert(fc.property(fc.array(segment, { maxLength: 40 }), fc.nat(0xffffffff), (segments, initial) => {
    let offset = 0
    let ended = false
    const tells = (at: number, length: number): void => {
      if (at !== offset || length <= 0 || ended) throw new Error(`${length} at ${at}, not at ${offset}${ended ? ', after the end' : ''}`)
      offset += length
    }
    const memory = new Counting()
    const stream = new TcpStream({ bytes: (at, bytes) => tells(at, bytes.length), gap: (at, length) => tells(at, length), differs: () => {}, end: () => { ended = true } }, memory)
    stream.begin(initial)
    for (const [n, { at, length, missing, fin, acknowledged }] of segments.entries()) {
      stream.take((initial + at) >>> 0, Buffer.alloc(length, n), missing, fin && n % 7 === 0, n)
      if (acknowledged !== null) stream.acknowledged((initial + acknowledged) >>> 0, n)
    }
    stream.finish(99)
    if (memory.counted !== 0) throw new Error(`${memory.counted} bytes are counted as waiting, and none do`)
  }), { numRuns: 3000 }))
})
