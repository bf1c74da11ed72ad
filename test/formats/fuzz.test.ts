import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { importCapture, openRecording, WiretapeError } from 'wiretape'
import { question } from '../real/dns-server.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { PcapngFile } from './capture-files.js'
import { began, capture, Frames } from './importing.js'
import { cooked2, ethernet, ipv4, ipv6, ipv6Fragment, tcp, udp } from './packets.js'

/** All that is read: HTTP, FTP with its data, DNS, fragments, IPv6 with extensions. */
const frames: readonly Buffer[] = [
  ...new Frames(40_000, 8080).opens().up('POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n').down('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello').closes().list,
  ...new Frames(40_001, 21).opens().down('220 ready\r\n').up('PASV\r\n').down('227 Entering (10,0,0,2,10,10)\r\n').up('RETR a\r\n').down('150 now\r\n').list,
  ...new Frames(40_002, 2570).opens().down('content').closes().list,
  ...new Frames(40_001, 21).loses('up', 15).loses('down', 54).down('226 done\r\n').closes().list,
  ethernet(ipv4(udp(5000, 53, question(1, 'www.example')), { protocol: 17 })),
  ethernet(ipv4(udp(5000, 6000, 'abcdefgh'.repeat(4)).subarray(0, 16), { protocol: 17, more: true })),
  ethernet(ipv4(udp(5000, 6000, 'abcdefgh'.repeat(4)).subarray(16), { protocol: 17, offset: 16 })),
  ethernet(ipv6(tcp({ from: 1, to: 2, sequence: 3, flags: 'S', payload: 'x' }), {}, [[0, Buffer.alloc(7)], [44, ipv6Fragment(3, 0, false)]])),
]

const pcapng = new PcapngFile().section(true).interface(1, { resolution: 9 }).interface(276).block(77, Buffer.alloc(16))
frames.forEach((frame, n) => n % 3 === 0 ? pcapng.packet(1, BigInt(began + n), cooked2(frame.subarray(14))) : pcapng.packet(0, BigInt(began + n) * 1000n, frame))
const body = { mimeType: 'text/plain', size: 5, text: 'aGVsbG8=', encoding: 'base64' }
const entry = {
  startedDateTime: '2026-01-02T03:04:05.678Z', time: 3, connection: '1', timings: { send: 1, wait: 1, receive: 1 },
  request: { method: 'POST', url: 'http://a/b?c', httpVersion: 'h2', headers: [{ name: 'A', value: 'b' }], postData: { text: 'abc' } }, response: { status: 200, statusText: 'OK', headers: [{ name: 'Content-Length', value: '9' }], content: body },
}

const files: Readonly<Record<string, Buffer>> = {
  'classic pcap': capture(frames), 'big-endian nanosecond pcap': capture(frames, { bigEndian: true, nanoseconds: true }),
  pcapng: pcapng.bytes(), HAR: Buffer.from(JSON.stringify({ log: { version: '1.2', entries: [entry, entry, entry] } })),
}

type Change = { readonly at: number, readonly kind: number, readonly value: number, readonly length: number }
const change = fc.record({ at: fc.nat(), kind: fc.nat(5), value: fc.integer({ min: 0, max: 0xffffffff }), length: fc.nat(40) })

/** Bytes and numbers overwritten, pieces taken out, doubled, put in, and the end cut off. */
function mutated(file: Buffer, changes: readonly Change[]): Buffer {
  let bytes = Buffer.from(file)
  for (const { at, kind, value, length } of changes) {
    // The first bytes tell what it is: what only changes them tests nothing else.
    const place = 4 + at % Math.max(1, bytes.length - 8)
    switch (kind) {
      case 0: bytes[place] = value & 0xff; break
      case 1: if (place + 4 <= bytes.length) bytes.writeUInt32LE(value, place); break
      case 2: if (place + 2 <= bytes.length) bytes.writeUInt16BE(value & 0xffff, place); break
      case 3: bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + length)]); break
      case 4: bytes = Buffer.concat([bytes.subarray(0, place + length), bytes.subarray(place)]); break
      case 5: if (length === 0) bytes = bytes.subarray(0, place); else bytes[place] = 0xff
    }
  }
  return bytes
}

for (const [name, file] of Object.entries(files)) {
  test(`${name}, changed at random: it is imported as far as it can be, and every recording is whole`, async (t) => {
    const folder = temporaryFolder(t)
    const [path, output] = [join(folder, 'changed'), join(folder, 'made.sqlite')]
    let imported = 0
    await fc.assert(fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 12 }), async (changes) => {
      writeFileSync(path, mutated(file, changes))
      try {
        const summary = await importCapture(path, { path: output, overwrite: true })
        imported++
        const recording = openRecording(output)
        try {
          let bytes = 0
          for (const { id, bytesUp, bytesDown, droppedUp, droppedDown } of recording.connections()) {
            for (const direction of ['up', 'down'] as const) {
              const told = direction === 'up' ? bytesUp - droppedUp : bytesDown - droppedDown
              let kept = 0
              for (const piece of recording.streamPieces(id, direction)) kept += piece.bytes.length
              if (kept !== told) throw new Error(`connection ${id} ${direction}: ${told} bytes told, ${kept} kept`)
              bytes += kept
            }
          }
          if (bytes > file.length * 20) throw new Error(`${bytes} bytes of ${file.length}`)
          if ([...recording.events()].some(({ kind }) => kind === 'decoder-failed')) throw new Error('a decoder failed')
        } finally {
          recording.close()
        }
        if (!summary.complete && summary.problems.length === 0) throw new Error('incomplete without a reason')
      } catch (thrown) {
        if (!(thrown instanceof WiretapeError) || thrown.code !== 'not-a-capture') throw thrown
      }
    }), { numRuns: 75 })
    t.true(imported > 40)
  })
}
