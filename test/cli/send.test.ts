import { join } from 'node:path'
import test from 'ava'
import { connectTo, peerServer } from '../real/peer.js'
import { freePort } from '../real/free-port.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { httpOrigin } from '../real/http-origin.js'
import { shop, tourRecording } from '../replay/shop.js'
import { startWiretape, wiretape } from './wiretape.js'

test('send prints a summary, and ends with 0 where nothing differs', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const out = join(temporaryFolder(t), 'now.sqlite')
  const { code, stdout, stderr } = await wiretape(t, 'send', file, '--to', origin.url, '--ignore', 'json:$.at', '-o', out, '--speed', '100x')
  t.is(code, 0, stderr)
  const text = stdout.toString()
  t.regex(text, /^sent +9 requests to http:\S+ in .*\nsame +9\ndifferent +0\nfailed +0\nlatency recorded +p50 .*\nlatency now +p50 .*\ndrift +p50 .* p99 .*\nrecorded to +\S+\n$/)
  const again = await wiretape(t, 'diff', file, out, '--ignore', 'json:$.at')
  t.is(again.code, 0)
  t.regex(again.stdout.toString(), /^same +9\ndifferent +0\nfailed +0\n/)
})

test('send and diff print a line for each difference, and end with 1', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const other = await shop(t, { price: 6 })
  const out = join(temporaryFolder(t), 'now.sqlite')
  const { code, stdout } = await wiretape(t, 'send', file, '--to', other.url, '--ignore', 'json:$.at', '--record', out)
  t.is(code, 1)
  const lines = stdout.toString().split('\n')
  t.regex(lines[0]!, /^ *\d+ → \d+ {2}GET \/items {2}body \$\.items\[2\]\.price: 5 → 6$/)
  t.true(lines.some((line) => /^different +3$/.test(line)))
  const again = await wiretape(t, 'diff', file, out, '--ignore', 'json:$.at')
  t.is(again.code, 1)
  t.deepEqual(again.stdout.toString().split('\n').slice(0, 3), lines.slice(0, 3))
})

test('what cannot be sent makes the exit code 1 with --strict alone', async (t) => {
  const origin = await httpOrigin(t, (request, response) => { request.resume().on('end', () => response.setHeader('Content-Type', 'text/plain').end('yes')) })
  const taped = await taping(t, { http: origin.target, plugins: ['redact'] })
  await (await fetch(`http://127.0.0.1:${taped.port}/a`)).text()
  await (await fetch(`http://127.0.0.1:${taped.port}/login`, { method: 'POST', body: new URLSearchParams({ password: '1234' }) })).text()
  await taped.relay.stop()
  for (const [words, expected] of [[[], 0], [['--strict'], 1]] as const) {
    const { code, stdout, stderr } = await wiretape(t, 'send', taped.path, '--to', `http://127.0.0.1:${origin.port}`, '-o', join(temporaryFolder(t), 'now.sqlite'), ...words)
    t.is(code, expected, stderr)
    t.regex(stdout.toString(), /^not sent +1\nsame +1\n/m)
  }
})

test('--json prints an object a line', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const other = await shop(t, { status: 503 })
  const out = join(temporaryFolder(t), 'now.sqlite')
  const objects = (stdout: Buffer): Record<string, unknown>[] => stdout.toString().trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
  const sent = objects((await wiretape(t, 'send', file, '--to', other.url, '--ignore', 'json:$.at', '-o', out, '--json')).stdout)
  t.deepEqual(sent.slice(0, 2).map(({ type, field, was, now }) => ({ type, field, was, now })), Array.from({ length: 2 }, () => ({ type: 'difference', field: 'status', was: '200', now: '503' })))
  t.like(sent[2], { type: 'summary', sent: 9, same: 7, different: 2, failed: 0, equal: false, path: out })
  const compared = objects((await wiretape(t, 'diff', file, out, '--ignore', 'json:$.at', '--json')).stdout)
  t.deepEqual(compared.slice(0, 2), sent.slice(0, 2))
  t.like(compared[2], { type: 'summary', same: 7, different: 2, differenceCount: 2 })
})

test('what comes from the wire is escaped', async (t) => {
  const server = await peerServer(t)
  const taped = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  const answer = async (text: string): Promise<void> => {
    const peer = await server.next()
    await peer.through('\r\n\r\n')
    peer.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`).finish()
  }
  const client = await connectTo(t, taped.port)
  client.write('GET /\x1b[31m HTTP/1.1\r\nHost: x\r\n\r\n')
  await answer('\x1b[2Jone')
  client.finish()
  await client.rest()
  await taped.relay.stop()
  const sending = wiretape(t, 'send', taped.path, '--to', `127.0.0.1:${server.port}`, '-o', join(temporaryFolder(t), 'now.sqlite'))
  await answer('\x1b[2Jtwo')
  const { code, stdout } = await sending
  t.is(code, 1)
  t.false(stdout.includes(0x1b))
  t.regex(stdout.toString(), /GET \/\\x1b\[31m {2}body line 1: \\x1b\[2Jone → \\x1b\[2Jtwo/)
})

test('what cannot be done is one line, and 2; a target that refuses is 1', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const out = join(temporaryFolder(t), 'now.sqlite')
  const one = async (code: number, pattern: RegExp, ...args: string[]): Promise<void> => {
    const ended = await wiretape(t, ...args)
    t.is(ended.code, code, ended.stderr)
    t.regex(ended.stderr, pattern)
    t.is(ended.stderr.trimEnd().split('\n').length, 1, ended.stderr)
    t.is(ended.stdout.length, 0)
  }
  await one(2, /the recording is missing/, 'send', '--to', origin.url)
  await one(2, /Missing required argument: to/, 'send', file)
  await one(2, /two recordings are compared/, 'diff', file)
  await one(2, /--speed fast: expected max, recorded, or a factor such as 2x/, 'send', file, '--to', origin.url, '--speed', 'fast')
  await one(2, /--connections many: expected as-recorded/, 'send', file, '--to', origin.url, '--connections', 'many')
  await one(2, /there is no \/nowhere/, 'send', '/nowhere', '--to', origin.url)
  await one(2, /there is no \/nowhere/, 'diff', file, '/nowhere')
  await one(2, /--ignore nothing:x: expected/, 'diff', file, file, '--ignore', 'nothing:x')
  await one(2, /the target "nowhere"/, 'send', file, '--to', 'nowhere')
  await one(1, /nothing could be sent: http:\S+ refused the connection/, 'send', file, '--to', `http://127.0.0.1:${await freePort()}`, '-o', out)
})

test('Ctrl-C ends a run, and what was sent is compared', async (t) => {
  const origin = await shop(t)
  const file = await tourRecording(t, origin.target)
  const out = join(temporaryFolder(t), 'now.sqlite')
  // So slow that the second request is due in minutes, the last in hours.
  let first = (): void => {}
  const asked = new Promise<void>((resolve) => { first = resolve })
  const slow = await httpOrigin(t, (_request, response) => {
    response.writeHead(404, { Server: 'shop/1' }).end()
    first()
  })
  const running = startWiretape(t, 'send', file, '--to', `http://127.0.0.1:${slow.port}`, '-o', out, '--speed', '0.00001x', '--json')
  await asked
  running.signal('SIGINT')
  const [, summary] = await running.lines.next(/^(\{"type":"summary".*)/)
  t.like(JSON.parse(summary!), { interrupted: true, sent: 1, different: 1, onlyA: 0 })
  t.is((await running.ended).code, 1)
})
