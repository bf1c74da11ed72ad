import test from 'ava'
import { BrokenCapture } from '../../src/formats/capture/captured-packet.js'
import type { CapturedPacket, CaptureReader, CaptureSink } from '../../src/formats/capture/captured-packet.js'
import { ClassicPcap } from '../../src/formats/capture/classic-pcap.js'
import { NanosecondPcap } from '../../src/formats/capture/nanosecond-pcap.js'
import { Pcapng } from '../../src/formats/capture/pcapng.js'
import { pcap, PcapngFile } from './capture-files.js'

type Reader = new (sink: CaptureSink) => CaptureReader
type Read = { packets: CapturedPacket[], notes: string[], broken: BrokenCapture | null }

/** @param pieces bytes at a time. */
function read(reader: Reader, file: Buffer, pieces = file.length): Read {
  const packets: CapturedPacket[] = []
  const notes: string[] = []
  const made = new reader({ packet: (packet) => packets.push({ ...packet, bytes: Buffer.from(packet.bytes) }), note: (text) => notes.push(text) })
  try {
    for (let at = 0; at < file.length; at += pieces) made.take(file.subarray(at, at + pieces))
    made.end()
  } catch (thrown) {
    if (!(thrown instanceof BrokenCapture)) throw thrown
    return { packets, notes, broken: thrown }
  }
  return { packets, notes, broken: null }
}

/** The same, with two chunks that are written over in turn, as a file is read. */
function readInTurns(reader: Reader, file: Buffer, size: number): CapturedPacket[] {
  const packets: CapturedPacket[] = []
  const made = new reader({ packet: (packet) => packets.push({ ...packet, bytes: Buffer.from(packet.bytes) }), note: () => {} })
  let [chunk, other] = [Buffer.alloc(size), Buffer.alloc(size)]
  for (let at = 0; at < file.length; at += size, [chunk, other] = [other, chunk]) {
    chunk.fill(0xee)
    made.take(chunk.subarray(0, file.copy(chunk, 0, at)))
  }
  made.end()
  return packets
}

const time = 1_700_000_000_123_456
const two = [{ time, bytes: Buffer.from('first') }, { time: time + 1_500_001, bytes: Buffer.from('second!'), length: 90 }]

for (const [name, reader, nanoseconds] of [['classic pcap', ClassicPcap, false], ['nanosecond pcap', NanosecondPcap, true]] as const) {
  for (const bigEndian of [false, true]) {
    for (const pieces of [1, 7, 1000]) {
      test(`${name}, ${bigEndian ? 'big' : 'little'} endian, ${pieces} bytes at a time`, (t) => {
        const { packets, broken } = read(reader, pcap(two, { bigEndian, nanoseconds, linkType: 113 }), pieces)
        t.is(broken, null)
        t.deepEqual(packets, [
          { number: 1, offset: 24, time, linkType: 113, bytes: Buffer.from('first'), length: 5 },
          { number: 2, offset: 45, time: time + 1_500_001, linkType: 113, bytes: Buffer.from('second!'), length: 90 },
        ])
      })
    }
  }

  test(`${name} that ends early says where`, (t) => {
    const whole = pcap(two, { nanoseconds })
    for (const [length, packet, offset] of [[10, 1, 0], [24 + 8, 1, 24], [45 - 1, 1, 24], [45 + 3, 2, 45], [whole.length - 1, 2, 45]] as const) {
      const { packets, broken } = read(reader, whole.subarray(0, length))
      t.like(broken, { packet, offset })
      t.is(packets.length, packet - 1)
    }
    t.is(read(reader, whole.subarray(0, 45)).broken, null)
  })

  test(`${name} whose packet says that it is longer than any: the ones before are read, and no memory is spent`, (t) => {
    const file = pcap([...two, ...two], { nanoseconds, snapshot: 0xffffffff })
    file.writeUInt32LE(0xfffffff0, 45 + 23 + 8)
    const { packets, broken } = read(reader, Buffer.concat([file, Buffer.alloc(100_000)]), 1000)
    t.is(packets.length, 2)
    t.like(broken, { packet: 3, offset: 45 + 23 })
    t.regex(broken!.message, /4294967280 bytes/)
  })

  test(`${name}: a packet beyond its own snapshot limit is taken where capturing programs write such`, (t) => {
    const { packets, broken } = read(reader, pcap([{ time, bytes: Buffer.alloc(2000) }], { nanoseconds, snapshot: 96 }))
    t.is(broken, null)
    t.is(packets[0]?.bytes.length, 2000)
  })
}

test('the upper bits of a link type tell of checksums, not of the type', (t) => {
  t.is(read(ClassicPcap, pcap(two, { linkType: 0x1400_0001 })).packets[0]?.linkType, 1)
})

test('pcap of another version is refused', (t) => {
  const file = pcap(two)
  file.writeUInt16LE(3, 4)
  t.regex(read(ClassicPcap, file).broken!.message, /version 3\.4/)
})

for (const bigEndian of [false, true]) {
  for (const pieces of [1, 13, 10_000]) {
    test(`pcapng, ${bigEndian ? 'big' : 'little'} endian, ${pieces} bytes at a time: every kind of packet block, unknown blocks passed over`, (t) => {
      const file = new PcapngFile().section(bigEndian).interface(1).interface(276)
        .packet(1, BigInt(time), Buffer.from('one'), 60).block(0xbad, Buffer.alloc(400)).block(4, Buffer.alloc(8))
        .obsoletePacket(0, BigInt(time + 1), Buffer.from('four')).simplePacket(Buffer.from('seven.')).bytes()
      const { packets, broken, notes } = read(Pcapng, file, pieces)
      t.is(broken, null)
      t.deepEqual(packets.map(({ number, time, linkType, bytes, length }) => ({ number, time, linkType, text: bytes.toString(), length })), [
        { number: 1, time, linkType: 276, text: 'one', length: 60 },
        { number: 2, time: time + 1, linkType: 1, text: 'four', length: 4 },
        { number: 3, time: time + 1, linkType: 1, text: 'seven.', length: 6 },
      ])
      t.is(notes.length, 1)
    })
  }
}

test('pcapng: each section has its own byte order and interfaces, each interface its own resolution', (t) => {
  const file = new PcapngFile()
    .section(true).interface(1, { resolution: 9 }).interface(101, { resolution: 3 }).interface(101, { resolution: 0x80 | 10 }).interface(1, { offset: 1000 })
    .packet(0, BigInt(time) * 1000n + 789n, Buffer.from('ns')).packet(1, BigInt(time) / 1000n, Buffer.from('ms'))
    .packet(2, 1536n, Buffer.from('binary')).packet(3, 5n, Buffer.from('offset'))
    .section(false).interface(228).packet(0, 7n, Buffer.from('next'))
    .bytes()
  const { packets, broken } = read(Pcapng, file)
  t.is(broken, null)
  t.deepEqual(packets.map(({ bytes, time, linkType }) => [bytes.toString(), time, linkType]), [
    ['ns', time, 1], ['ms', Math.floor(time / 1000) * 1000, 101], ['binary', 1_500_000, 101], ['offset', 1_000_000_005, 1], ['next', 7, 228],
  ])
})

const short = new PcapngFile().section().interface().packet(0, 1n, Buffer.from('abcd')).packet(0, 2n, Buffer.from('efgh')).bytes()
const second = 28 + 24 + 36

test('pcapng that ends early says where', (t) => {
  const { packets, broken } = read(Pcapng, short.subarray(0, second + 20))
  t.is(packets.length, 1)
  t.like(broken, { offset: second, packet: 2 })
  t.like(read(Pcapng, Buffer.concat([short, Buffer.alloc(6)])).broken, { offset: second + 36, packet: 3 })
})

const lies: readonly [what: string, change: (file: Buffer) => void, told: RegExp][] = [
  ['a length below any', (file) => file.writeUInt32LE(8, second + 4), /8 bytes long/],
  ['a length that is no multiple of 4', (file) => file.writeUInt32LE(37, second + 4), /37 bytes long/],
  ['a length beyond reason', (file) => file.writeUInt32LE(0xfffffff0, second + 4), /4294967280 bytes long/],
  ['two lengths', (file) => file.writeUInt32LE(40, second + 32), /36 bytes long by its beginning, and 40/],
  ['more captured than its block holds', (file) => file.writeUInt32LE(400, second + 20), /400 bytes, and its block has room for 4/],
  ['an interface that isn\'t there', (file) => file.writeUInt32LE(9, second + 8), /interface 9/],
]

for (const [what, change, told] of lies) {
  test(`pcapng whose block has ${what} is read up to there`, (t) => {
    const file = Buffer.from(short)
    change(file)
    const { packets, broken } = read(Pcapng, file)
    t.is(packets.length, 1)
    t.like(broken, { offset: second, packet: 2 })
    t.regex(broken!.message, told)
  })
}

test('pcapng: the rest of an unknown block that is said to be huge is waited for without memory', (t) => {
  const file = Buffer.from(short)
  file.writeUInt32LE(0xbad, second)
  file.writeUInt32LE(0xfffffff0, second + 4)
  t.like(read(Pcapng, file).broken, { packet: 2 })
})

const several = Array.from({ length: 40 }, (_, n) => ({ time: time + n, bytes: Buffer.alloc(n * 7 % 90 + 1, n) }))
const ng = new PcapngFile().section().interface()
for (const { time: at, bytes } of several) ng.packet(0, BigInt(at), bytes)

for (const [name, reader, file] of [
  ['classic pcap', ClassicPcap, pcap(several)], ['nanosecond pcap', NanosecondPcap, pcap(several, { nanoseconds: true })], ['pcapng', Pcapng, ng.bytes()],
] as const) {
  test(`${name}: chunks that are written over give the same packets, however long they are`, (t) => {
    for (let size = 1; size < 300; size++) t.deepEqual(readInTurns(reader, file, size).map(({ bytes }) => bytes), several.map(({ bytes }) => bytes), `${size}`)
  })
}
