import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { JournalEntry, Relay } from 'wiretape'
import { httpOrigin } from '../real/http-origin.js'
import type { HttpOrigin } from '../real/http-origin.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { onlyConnection, onlyExchange, relaying, taping, textOf } from '../real/relaying.js'

const body = 'abcdefghij'.repeat(1000)

/** Answers with a body of 10,000 bytes, of known length or in chunks. */
function origin(t: ExecutionContext): Promise<HttpOrigin> {
  return httpOrigin(t, ({ url }, response) => {
    if (url === '/empty') response.writeHead(204).end()
    else if (url !== '/chunked') response.setHeader('Content-Length', body.length).end(body)
    else response.write(body.slice(0, 5000), () => response.end(body.slice(5000)))
  })
}

interface Got {
  /** curl's: 0 fine, 18 partial, 56 receiving failed. */
  readonly code: number | null
  readonly stdout: string
  readonly journal: readonly string[]
}

async function curl(t: ExecutionContext, relay: Relay, path: string, ...args: string[]): Promise<Got> {
  const { code, stdout } = await run(t, 'curl', ['-sS', ...args, `http://127.0.0.1:${relay.port}${path}`])
  return { code, stdout: stdout.toString('latin1'), journal: said(relay) }
}

const said = (relay: Relay): string[] => relay.journal().map(({ fault, kind, text }: JournalEntry) => `${fault} ${kind} ${text}`)

const asking = `
import http.client, sys
connection = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))
connection.request('GET', sys.argv[2])
try:
    print(len(connection.getresponse().read()))
except Exception as problem:
    print(type(problem).__name__)
`

/** What http.client of python3 makes of it: the length of the body, or an exception's name. */
async function python(t: ExecutionContext, { port }: Relay, path: string): Promise<string> {
  return (await run(t, 'python3', ['-c', asking, String(port), path])).stdout.toString().trim()
}

for (const path of ['/length', '/chunked']) {
  test(`truncate ${path}: the body is short, and the client notices`, async (t) => {
    const { relay, recorded } = await taping(t, { http: (await origin(t)).target, plugins: ['truncate:after=7000'] })
    const got = await curl(t, relay, path)
    t.deepEqual([got.code, got.stdout], [18, body.slice(0, 7000)])
    t.deepEqual(got.journal, ['truncate fault http.response: body cut after 7000 bytes, connection closed', 'truncate changed http.response: changed what goes over the wire'])
    const recording = await recorded()
    const { id, changed, status } = onlyExchange(recording)
    t.deepEqual([changed, status], [true, 200])
    t.is(await textOf(recording.body(id, 'response', 'sent')), body.slice(0, 7000))
    t.true((await textOf(recording.stream(onlyConnection(recording).id, 'down', 'sent'))).endsWith(body.slice(6000, 7000)))
  })

  test(`truncate ${path}: by a reset`, async (t) => {
    const relay = await relaying(t, { http: (await origin(t)).target, plugins: ['truncate:after=10,how=reset'] })
    const got = await curl(t, relay, path)
    t.deepEqual([got.code, got.stdout], [56, body.slice(0, 10)])
    t.is(got.journal[0], 'truncate fault http.response: body cut after 10 bytes, connection reset')
    t.is(await python(t, relay, path), 'ConnectionResetError')
  })
}

test('truncate: python3 sees an incomplete read; a body that is no longer is left alone, and so is what is not picked', async (t) => {
  const { target } = await origin(t)
  const relay = await relaying(t, { http: target, plugins: ['truncate:after=9999,path=/length'] })
  t.is(await python(t, relay, '/length'), 'IncompleteRead')
  t.is(await python(t, relay, '/chunked'), '10000')
  t.is(relay.journal().length, 2)
  const whole = await relaying(t, { http: target, plugins: ['truncate:after=10000'] })
  t.deepEqual([await python(t, whole, '/length'), await python(t, whole, '/chunked'), await python(t, whole, '/empty')], ['10000', '10000', '0'])
  t.deepEqual(whole.journal(), [])
  const second = await relaying(t, { http: target, plugins: ['truncate:every=2'] })
  t.deepEqual([await python(t, second, '/length'), await python(t, second, '/chunked'), await python(t, second, '/length')], ['10000', 'IncompleteRead', '10000'])
})

for (const path of ['/length', '/chunked']) {
  test(`malformed ${path}: a chunk size that is none`, async (t) => {
    const { relay, recorded } = await taping(t, { http: (await origin(t)).target, plugins: ['malformed'] })
    const got = await curl(t, relay, path)
    t.deepEqual([got.code, got.stdout], [56, ''])
    t.is(got.journal[0], 'malformed fault http.response: the size of the first chunk is no number')
    t.is(await python(t, relay, path), 'IncompleteRead')
    const recording = await recorded()
    const sent: string[] = []
    for (const { id } of recording.exchanges()) sent.push(await textOf(recording.message(id, 'response', 'sent')))
    t.is(sent.length, 2)
    for (const one of sent) {
      t.regex(one, /^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*Transfer-Encoding: chunked\r\n(?:.+\r\n)*\r\nno number\r\n(?:abcde|$)/)
      t.notRegex(one, /Content-Length/i)
    }
  })
}

test('malformed: a length that lies, too long and too short', async (t) => {
  const { target } = await origin(t)
  const { relay: long, recorded } = await taping(t, { http: target, plugins: ['malformed:kind=wrong-length,by=5'] })
  const got = await curl(t, long, '/length')
  t.deepEqual([got.code, got.stdout], [18, body])
  t.deepEqual(got.journal, ['malformed fault http.response: Content-Length is 10005, the body has 10000 bytes', 'malformed changed http.response: changed what goes over the wire'])
  t.is(await python(t, long, '/length'), 'IncompleteRead')
  t.is(await python(t, long, '/chunked'), '10000')
  t.is(await python(t, long, '/empty'), '0')
  const recording = await recorded()
  const { id } = [...recording.exchanges()][0]!
  t.regex(recording.head(id, 'response', 'sent').toString('latin1'), /\r\nContent-Length: 10005\r\n/)
  t.regex(recording.head(id, 'response').toString('latin1'), /\r\nContent-Length: 10000\r\n/)
  const short = await relaying(t, { http: target, plugins: ['malformed:kind=wrong-length,by=-9000'] })
  t.is(await python(t, short, '/length'), '1000')
  t.is((await curl(t, short, '/length')).stdout, body.slice(0, 1000))
})

test('slow-headers: the head trickles, the body comes at once, and the connection goes on', async (t) => {
  const { relay, recorded } = await taping(t, { http: (await origin(t)).target, plugins: ['slow-headers:ms=20,bytes=16,path=/length'] })
  const { stdout } = await run(t, 'curl', [
    '-sS', '-w', '%{time_starttransfer} %{num_connects} ', '-o', '/dev/null', `http://127.0.0.1:${relay.port}/length`, '-o', '/dev/null', `http://127.0.0.1:${relay.port}/chunked`,
  ])
  const [, connects, , later] = stdout.toString().trim().split(' ')
  t.deepEqual([connects, later], ['1', '0'])
  const entries = relay.journal()
  t.is(entries.length, 1)
  const { text, delayMs, bytes } = entries[0]!
  const pieces = Math.ceil(bytes! / 16)
  t.is(text, `http.response: the head comes in ${pieces} pieces, 20 ms apart`)
  t.is(delayMs, (pieces - 1) * 20)
  const recording = await recorded()
  t.deepEqual([...recording.exchanges()].map(({ changed }) => changed), [false, false])
})

test('slow-headers: a client that waits no longer gives up', async (t) => {
  const relay = await relaying(t, { http: (await origin(t)).target, plugins: ['slow-headers:ms=1000'] })
  t.is((await curl(t, relay, '/length', '--max-time', '1')).code, 28)
})

for (const path of ['/length', '/chunked']) {
  test(`stall-body ${path}: it stops in the middle, goes on, and is whole`, async (t) => {
    const { relay, recorded } = await taping(t, { http: (await origin(t)).target, plugins: ['stall-body:ms=300,after=1000'] })
    const began = performance.now()
    const got = await curl(t, relay, path)
    t.true(performance.now() - began >= 299)
    t.deepEqual([got.code, got.stdout, got.journal], [0, body, ['stall-body fault http.response: body stopped for 300 ms after 1000 bytes']])
    t.like(relay.journal()[0], { bytes: 1000, delayMs: 300, message: 0, direction: 'down' })
    t.false(onlyExchange(await recorded()).changed)
  })
}

;(installed('curl') ? test : test.skip)('stall-body: a client with a time limit has what came before', async (t) => {
  const relay = await relaying(t, { http: (await origin(t)).target, plugins: ['stall-body:ms=600000,after=1000'] })
  const got = await curl(t, relay, '/length', '--max-time', '20')
  t.deepEqual([got.code, got.stdout], [28, body.slice(0, 1000)])
})
