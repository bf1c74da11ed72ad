import test from 'ava'
import fc from 'fast-check'
import { acceptOf } from '../../../src/protocols/websocket/handshake.js'
import { Unmasking } from '../../../src/protocols/websocket/unmasking.js'

/** A frame with its length in so many bytes, and a mask or none. */
function frame(payload: Buffer, lengthBytes: 0 | 2 | 8, key: Buffer | null): Buffer {
  const length = Buffer.alloc(lengthBytes)
  if (lengthBytes === 2) length.writeUInt16BE(payload.length)
  if (lengthBytes === 8) length.writeBigUInt64BE(BigInt(payload.length))
  const short = lengthBytes === 0 ? payload.length : lengthBytes === 2 ? 126 : 127
  return Buffer.concat([Buffer.from([0x82, short | (key === null ? 0 : 0x80)]), length, key ?? Buffer.alloc(0), key === null ? payload : payload.map((byte, at) => byte ^ key[at & 3]!)])
}

test('frames of every length, masked or not, are the same without their masks, however they are split', (t) => {
  const payload = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes))
  const key = fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes)))
  const frames = fc.array(fc.tuple(payload, fc.constantFrom<0 | 2 | 8>(0, 2, 8), key), { maxLength: 6 })
  fc.assert(fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 })), (all, cuts) => {
    const bytes = Buffer.concat(all.map((one) => frame(...one)))
    const plain = Buffer.concat(all.map(([content, lengthBytes, mask]) => frame(content, lengthBytes, mask === null ? null : Buffer.alloc(4))))
    let unmasking = new Unmasking()
    const taken: Buffer[] = []
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + (cuts.shift() ?? bytes.length))
      taken.push(unmasking.take(piece))
      unmasking = unmasking.copy()
      at += piece.length
    }
    return Buffer.concat(taken).equals(plain)
  }))
  t.pass()
})

test('the answer to a key is RFC 6455\'s own example', (t) => {
  t.is(acceptOf('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
})
