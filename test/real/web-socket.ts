import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** A frame of RFC 6455 that isn't masked, as servers send it. Up to 64 KiB. */
export function frame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([headOf(opcode, payload.length, 0), payload])
}

/** One masked with a key of its own, as clients send it. */
export function maskedFrame(opcode: number, payload: Buffer): Buffer {
  const key = randomBytes(4)
  return Buffer.concat([headOf(opcode, payload.length, 0x80), key, payload.map((byte, at) => byte ^ key[at & 3]!)])
}

/** A server's side of a WebSocket: answers each text with what `answer` says to it, and a Close with the same. */
export function answerWebSocket({ headers }: IncomingMessage, socket: Duplex, answer: (text: string, count: number) => readonly string[], greeting: readonly string[] = []): void {
  const accept = createHash('sha1').update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
  for (const text of greeting) socket.write(frame(1, Buffer.from(text)))
  let unread = Buffer.alloc(0)
  let count = 0
  socket.on('error', () => {})
  socket.on('end', () => socket.end())
  socket.on('data', (bytes: Buffer) => {
    unread = Buffer.concat([unread, bytes])
    for (;;) {
      const [first = 0, second = 0] = unread
      const short = second & 0x7f
      const head = short === 126 ? 4 : 2
      const length = short === 126 ? unread.readUInt16BE(2) : short
      if (unread.length < 2 || unread.length < head + 4 + length) return
      const key = unread.subarray(head, head + 4)
      const payload = Buffer.from(unread.subarray(head + 4, head + 4 + length).map((byte, at) => byte ^ key[at & 3]!))
      unread = unread.subarray(head + 4 + length)
      if ((first & 0x0f) === 8) {
        socket.end(frame(8, payload))
        return
      }
      for (const text of answer(payload.toString(), ++count)) socket.write(frame(1, Buffer.from(text)))
    }
  })
}

function headOf(opcode: number, length: number, maskBit: number): Buffer {
  return Buffer.from(length < 126 ? [0x80 | opcode, maskBit | length] : [0x80 | opcode, maskBit | 126, length >> 8, length & 0xff])
}
