import { once } from 'node:events'
import { connect } from 'node:net'
import { percentile } from '../statistics.js'

/*
 * A client on a raw socket: one keep-alive connection, one request at a time, nothing parsed that needn't be.
 * Arguments: port, path, number of requests. Prints `{"p50", "p99"}` in µs.
 */

const loopback = '127.0.0.1'

/** Requests before the first that counts: by then Node has compiled client and relay. */
const warmUp = 2000

const [port, path, count] = [Number(process.argv[2]), process.argv[3]!, Number(process.argv[4])]
const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${loopback}:${port}\r\n\r\n`)
const socket = connect({ port, host: loopback, noDelay: true })
await once(socket, 'connect')

let length = 0
let got = 0
let head = ''
let sentAt = 0n
let asked = 0
const times = new Float64Array(count)

socket.on('data', (bytes) => {
  if (length === 0) learnLength(bytes)
  got += bytes.length
  if (length === 0 || got < length) return
  const now = process.hrtime.bigint()
  if (asked > warmUp) times[asked - warmUp - 1] = Number(now - sentAt) / 1000
  if (asked === warmUp + count) finish()
  else ask()
})
socket.on('close', () => {
  process.stderr.write(`the connection was closed after ${asked} requests\n`)
  process.exit(1)
})
ask()

function ask(): void {
  asked++
  got = 0
  sentAt = process.hrtime.bigint()
  socket.write(request)
}

/** Every answer is the same file, and as long as the first. */
function learnLength(bytes: Buffer): void {
  head += bytes.toString('latin1')
  const end = head.indexOf('\r\n\r\n')
  if (end < 0) return
  const body = /^HTTP\/1\.1 200 [^]*\r\ncontent-length: (\d+)\r\n/i.exec(head.slice(0, end + 2))?.[1]
  if (body === undefined) throw new Error(`not the answer expected: ${head.slice(0, end)}`)
  length = end + 4 + Number(body)
}

function finish(): void {
  const sorted = times.toSorted()
  process.stdout.write(`${JSON.stringify({ p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) })}\n`, () => process.exit(0))
}
