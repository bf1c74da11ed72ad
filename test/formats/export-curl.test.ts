import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { within } from '../real/deadline.js'
import { shellWord } from '../../src/formats/export/shell-word.js'
import { exported } from './exported.js'

const withCurl = installed('curl') && installed('bash') ? test : test.skip

interface Listening {
  readonly port: number
  /** Each request, head and body, as it came. */
  readonly requests: Buffer[]
}

/** Takes one request a connection, and keeps its bytes. Bodies are of the length that Content-Length tells, or chunked. */
async function listening(t: ExecutionContext): Promise<Listening> {
  const requests: Buffer[] = []
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (piece) => {
      bytes = Buffer.concat([bytes, piece])
      const head = bytes.indexOf('\r\n\r\n') + 4
      if (head < 4) return
      const text = bytes.subarray(0, head).toString('latin1')
      const chunked = /^transfer-encoding: *chunked/im.test(text)
      const length = Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? 0)
      if (chunked ? !bytes.subarray(head).toString('latin1').endsWith('0\r\n\r\n') : bytes.length < head + length) return
      requests.push(bytes)
      // To a HEAD, the length of a body that isn't sent. It stays open, for who waits for one.
      if (text.startsWith('HEAD ')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n')
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, requests }
}

async function says(port: number, request: Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.resume()
  socket.write(request)
  await within(once(socket, request.toString('latin1', 0, 5) === 'HEAD ' ? 'data' : 'end'), 'an answer')
  socket.destroy()
}

function request(startLine: string, headers: readonly string[], body: Buffer | string = ''): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body
  const length = bytes.length === 0 || headers.some((header) => /^transfer-encoding/i.test(header)) ? [] : [`Content-Length: ${bytes.length}`]
  return Buffer.concat([Buffer.from([startLine, ...headers, ...length, '', ''].join('\r\n'), 'latin1'), bytes])
}

/** Runs what was exported, and gives what came of it. */
async function repeated(t: ExecutionContext, requests: readonly Buffer[]): Promise<{ readonly came: readonly Buffer[], readonly script: string }> {
  const server = await listening(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  for (const one of requests) await says(tape.port, one)
  ;(await tape.recorded()).close()
  t.is(server.requests.length, requests.length)
  server.requests.length = 0
  const script = await exported(tape.path, { format: 'curl' })
  t.deepEqual(script.toString('latin1').match(/^# exchange \d+: .*$/gm), null)
  const folder = temporaryFolder(t)
  const path = join(folder, 'again.sh')
  writeFileSync(path, script)
  const { stderr, code } = await run(t, 'bash', ['-c', `cd ${folder} && bash again.sh`])
  t.deepEqual([code, stderr], [0, ''])
  return { came: server.requests, script: script.toString('latin1') }
}

withCurl('commands repeat requests byte for byte, whatever is in them', async (t) => {
  const traps = '\'"`$(touch pwned)${HOME}!!\\n;&|<>*?[]{}~# %s'
  const requests = [
    request('GET / HTTP/1.1', ['Host: shop.example', 'User-Agent: me/1', 'Accept: */*']),
    request('GET / HTTP/1.0', []),
    request('GET /../a/./b//c?x=[1-9]&y={a,b}&z=$(touch%20pwned)\'"`;# HTTP/1.1', ['Host: a', `X-Trap: ${traps}`, 'X-Empty:', '-X: dash', `Cookie: a=${traps}`]),
    request('GET http://other.example/absolute?a HTTP/1.1', ['Host: other.example', 'Accept: a', 'Accept: b', 'X-\xe9: caf\xe9 \xe2\x82\xac']),
    request('OPTIONS * HTTP/1.1', ['Accept: x', 'Host: late.example', 'X-After: 1']),
    request('-o /x HTTP/1.1', ['Host: a']),
    request('`pwned`\'$HOME|! /x HTTP/1.1', ['Host: a']),
    request('POST /form HTTP/1.1', ['Host: a', 'Content-Type: application/x-www-form-urlencoded'], 'a=1&b=\'2\'\n&c=$(touch pwned)\r\n\ttab é!'),
    request('POST /at HTTP/1.1', ['Host: a'], '@/etc/passwd'),
    request('POST /dash HTTP/1.1', ['Host: a'], '-o/tmp/x'),
    request('PUT /nul HTTP/1.1', ['Host: a', 'Expect: 100-continue'], Buffer.from([0, 1, 2, 0, 255, 10, 13, 0])),
    request('PATCH /large HTTP/1.1', ['Host: a', 'Content-Type: text/plain'], 'x\'y'.repeat(60_000)),
    request('DELETE /random HTTP/1.1', ['Host: a'], randomBytes(300_000)),
    request('GET /body HTTP/1.1', ['Host: a'], 'a GET with a body'),
    request('POST /nobody HTTP/1.1', ['Host: a', 'Content-Length: 0']),
    request('HEAD /head HTTP/1.1', ['Host: a']),
  ]
  const { came } = await repeated(t, requests)
  t.is(came.length, requests.length)
  for (const [place, one] of requests.entries()) t.is(came[place]!.toString('latin1'), one.toString('latin1'), `request ${place}`)
})

withCurl('a chunked body is sent chunked again; one that was cut is sent as far as it came', async (t) => {
  const { came } = await repeated(t, [request('POST /chunked HTTP/1.1', ['Host: a', 'Transfer-Encoding: chunked'], '3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n')])
  t.is(came[0]!.toString('latin1'), 'POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n')

  const server = await listening(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  const socket = connect(tape.port, '127.0.0.1')
  socket.end('POST /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf')
  await within(once(socket.resume(), 'close'), 'the end')
  ;(await tape.recorded()).close()
  const script = (await exported(tape.path, { format: 'curl' })).toString()
  t.regex(script, /-H 'Host: a' --data-binary half\n$/)
})

withCurl('a chunked body that is empty is ended, and so is one with trailers', async (t) => {
  const { came } = await repeated(t, [
    request('POST /empty HTTP/1.1', ['Host: a', 'Transfer-Encoding: chunked'], '0\r\n\r\n'), request('GET /empty HTTP/1.1', ['Host: a', 'Transfer-Encoding: gzip, chunked', 'Content-Type: x'], '0\r\n\r\n'),
    request('PUT /trailers HTTP/1.1', ['Host: a', 'Transfer-Encoding: Chunked'], '0\r\nX: 0\r\nY: 0\r\n\r\n'),
  ])
  t.deepEqual(came.map(String), ['POST /empty', 'GET /empty', 'PUT /trailers'].map((line, place) => (
    `${line} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${['chunked', 'gzip, chunked', 'Chunked'][place]}\r\n${place === 1 ? 'Content-Type: x\r\n' : ''}\r\n0\r\n\r\n`)))
})

withCurl('the body of a HEAD is left out, that is said, and the command doesn\'t wait for an answer\'s body', async (t) => {
  const bodies = [request('HEAD /sized HTTP/1.1', ['Host: a'], 'hello'), request('HEAD /chunked HTTP/1.1', ['Host: a', 'Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n')]
  const { came, script } = await repeated(t, bodies)
  t.deepEqual(script.match(/^# its .*$/gm), ['# its body, 5 bytes, is left out: curl has none for HEAD', '# its body, 3 bytes, is left out: curl has none for HEAD'])
  t.deepEqual(came.map(String), ['HEAD /sized HTTP/1.1\r\nHost: a\r\n\r\n', 'HEAD /chunked HTTP/1.1\r\nHost: a\r\n\r\n'])
})

withCurl('what no command line can hold is told, and nothing is run for it', async (t) => {
  const server = await listening(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${server.port}` })
  for (const one of ['GET / HTTP/1.1\r\n@/etc/passwd: 1\r\nHost: a\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n', 'rubbish\r\n\r\n']) {
    const socket = connect(tape.port, '127.0.0.1')
    socket.on('error', () => {}).resume()
    socket.end(one, 'latin1')
    await within(once(socket, 'close'), 'the end')
  }
  ;(await tape.recorded()).close()
  const script = (await exported(tape.path, { format: 'curl' })).toString()
  t.regex(script, /^# exchange \d+: a first header that curl takes for a file$/m)
  t.notRegex(script, /^curl/m)
})

withCurl('words: bash takes every byte but NUL for itself', async (t) => {
  const every = Buffer.from(Array.from({ length: 255 }, (_, place) => place + 1))
  for (const bytes of [every, Buffer.from(''), Buffer.from('-n'), Buffer.from('~'), Buffer.from('a=b'), Buffer.from('{a,b}'), Buffer.from('it\'s'), Buffer.from('\n'), Buffer.from('x\x01f'), ...Array.from({ length: 60 }, () => randomBytes(80).map((byte) => byte || 1))]) {
    const { stdout } = await run(t, 'bash', ['-c', `printf %s ${shellWord(Buffer.from(bytes))}`])
    t.deepEqual(stdout, Buffer.from(bytes))
  }
})
