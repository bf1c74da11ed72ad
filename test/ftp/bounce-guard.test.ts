import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { BounceGuard } from '../../src/relay/ftp/bounce-guard.js'
import { installed } from '../real/installed.js'
import { connectTo, peerServer } from '../real/peer.js'
import type { Peer } from '../real/peer.js'
import { taping } from '../real/relaying.js'
import type { Taped } from '../real/relaying.js'

const bounce = 'PORT 10,0,0,1,0,22\r\n'

interface Session {
  readonly tape: Taped
  readonly client: Peer
  readonly server: Peer
}

async function session(t: ExecutionContext): Promise<Session> {
  const listening = await peerServer(t)
  const tape = await taping(t, { ftp: `0=127.0.0.1:${listening.port}` })
  const client = await connectTo(t, tape.port)
  return { tape, client, server: await listening.next() }
}

/** Says text that passes as it is. */
async function passes(t: ExecutionContext, from: Peer, to: Peer, text: string): Promise<void> {
  from.write(text)
  t.true((await to.take(text.length)).equals(Buffer.from(text, 'latin1')))
}

/** What makes the relay stop reading the session as FTP, although the server goes on. */
const confusions: Record<string, (t: ExecutionContext, session: Session) => Promise<void>> = {
  'an HTTP request': async (t, { client, server }) => {
    await passes(t, server, client, '220 ready\r\n')
    await passes(t, client, server, 'GET / HTTP/1.1\r\n')
  },
  'an HTTP request before the greeting': (t, { client, server }) => passes(t, client, server, 'GET / HTTP/1.1\r\n'),
  'an SSH banner': async (t, { client, server }) => {
    await passes(t, server, client, '220 ready\r\n')
    await passes(t, client, server, 'SSH-2.0-x\r\n')
  },
  'a client line of more than 64 KiB': async (t, { client, server }) => {
    await passes(t, server, client, '220 ready\r\n')
    await passes(t, client, server, `${'x'.repeat(70_000)}\r\n`)
  },
  'a reply line of more than 64 KiB': async (t, { client, server }) => {
    await passes(t, server, client, `220 ready\r\n`)
    await passes(t, client, server, 'STAT\r\n')
    await passes(t, server, client, `211 ${'x'.repeat(70_000)}\r\n`)
  },
  'a greeting with a byte order mark': (t, { client, server }) => passes(t, server, client, '\xef\xbb\xbf220 ready\r\n'),
  'a greeting of another protocol': (t, { client, server }) => passes(t, server, client, '* OK 220 ready\r\n'),
  'commands without answers': async (t, { client, server }) => {
    await passes(t, server, client, '220 ready\r\n')
    await passes(t, client, server, 'A\r\n'.repeat(65_536))
  },
}

for (const [name, confuse] of Object.entries(confusions)) {
  test(`after ${name}, PORT to a foreign host cuts the session`, async (t) => {
    const pair = await session(t)
    await confuse(t, pair)
    await passes(t, pair.client, pair.server, 'NOOP\r\n')
    pair.client.write(bounce)
    t.is(await pair.server.over(), 'ECONNRESET')
    t.is(await pair.client.over(), 'ECONNRESET')
    await t.throwsAsync(pair.server.take(1))
    const recording = await pair.tape.recorded()
    const [event, ...more] = recording.events({ where: 'kind = \'ftp-bounce-refused\'' })
    t.truthy(event)
    t.deepEqual(more, [])
    t.is([...recording.connections()][0]!.endReason, 'bounce refused')
    t.false([...recording.events()].some(({ kind }) => kind === 'internal'))
  })
}

for (const [name, line] of [
  ['EPRT', 'EPRT |1|10.0.0.1|22|\r\n'], ['lower case', 'port 10,0,0,1,0,22\r\n'], ['a tab', 'PORT\t10,0,0,1,0,22\r\n'], ['a CR alone before it', 'x\rPORT 10,0,0,1,0,22\r\n'],
  ['telnet bytes', 'P\xff\xf1ORT 10,0,0,1,0,22\r\n'], ['a telnet option', 'P\xff\xfbXORT 10,0,0,1,0,22\r\n'], ['a telnet option that is none', '\xff\xfbPORT 10,0,0,1,0,22\r\n'],
  ['the place where a server cuts a long line', `${'x'.repeat(2048)}PORT 10,0,0,1,0,22\r\n`], ['padding', `${'x'.repeat(512)}PORT ${' '.repeat(500)}(${'0'.repeat(500)}10,0,0,1,0,22\r\n`],
  ['EPRT where a server cuts a long line', `${'x'.repeat(513)}EPEPRT |1|10.0.0.1|22|\r\n`], ['no line end, but the end', 'PORT 10,0,0,1,0,22'],
] as const) {
  test(`PORT written with ${name}, a byte at a time, after an HTTP request, is never complete at the server`, async (t) => {
    const pair = await session(t)
    await passes(t, pair.client, pair.server, 'GET / HTTP/1.1\r\n')
    for (const byte of Buffer.from(line, 'latin1')) pair.client.socket.write(Buffer.of(byte))
    t.is(await pair.server.over(), 'ECONNRESET')
    const recording = await pair.tape.recorded()
    t.is([...recording.events({ where: 'kind = \'ftp-bounce-refused\'' })].length, 1)
  })
}

for (const [name, bytes] of [['bytes that are in no command', '\x00\x01\x02'], ['text without a line end', 'hello']] as const) {
  test(`${name}, before a greeting, pass before their line is complete, and what comes after it is read again`, async (t) => {
    const { client, server, tape } = await session(t)
    await passes(t, client, server, bytes)
    await passes(t, client, server, 'more')
    await passes(t, server, client, '220 ready after all\r\n')
    await passes(t, client, server, ' of it\r\n')
    client.write(bounce)
    t.is(await server.through('\r\n'), 'NOOP\r\n')
    server.write('500 What?\r\n200 Fine\r\n')
    t.regex(await client.through('address.\r\n'), /^500 What\?\r\n500 [^\r]+\r\n$/)
    const events = [...(await tape.recorded()).events({ where: "source = 'relay'" })].map(({ kind }) => kind)
    t.deepEqual(events, ['ftp-not-held', 'ftp-bounce-refused'])
  })

  test(`${name}, before a greeting: PORT in what comes after a CR cuts the session`, async (t) => {
    const { client, server } = await session(t)
    await passes(t, client, server, bytes)
    client.write(`\r${bounce}`)
    t.is(await server.over(), 'ECONNRESET')
  })
}

test('bytes that are in no command pass after a greeting too', async (t) => {
  const { client, server } = await session(t)
  await passes(t, server, client, '220 ready\r\n')
  await passes(t, client, server, '\x00\x00\x00\x04abcd')
  await passes(t, client, server, 'efgh')
})

test('PORT without a line end before the client\'s end cuts the session', async (t) => {
  const { client, server } = await session(t)
  await passes(t, server, client, '220 ready\r\n')
  client.write(bounce.trimEnd()).finish()
  t.is(await server.over(), 'ECONNRESET')
})

test('what isn\'t FTP passes, headers named Port and long lines included', async (t) => {
  const { client, server, tape } = await session(t)
  const request = `POST /port HTTP/1.1\r\nHost: h\r\nPort: 8080\r\nPort-Range: 10,0,0,1,0,22\r\n\r\n{"port":8080,"text":"${'x'.repeat(600)} port 8080, exports, report 1, 2 and 3 on the port"}\r\n`
  await passes(t, client, server, request)
  await passes(t, server, client, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  client.write(randomBytes(100_000)).finish()
  await server.take(100_000)
  server.finish()
  t.is((await client.rest()).length, 0)
  t.is([...(await tape.recorded()).events({ where: 'kind = \'ftp-bounce-refused\'' })].length, 0)
})

const withPython = installed('python3') ? test : test.skip

withPython('PORT of a client that is gone before it is accepted never reaches the server', async (t) => {
  const listening = await peerServer(t)
  const tape = await taping(t, { ftp: `0=127.0.0.1:${listening.port}` })
  // The relay lives in this process, which waits meanwhile.
  const client = spawnSync('python3', ['-c', `
import socket, struct
s = socket.create_connection(('127.0.0.1', ${tape.port}))
s.sendall(b'${bounce.replaceAll('\r\n', '\\r\\n')}RETR f\\r\\n')
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
s.close()`])
  t.is(client.status, 0, client.stderr.toString())
  const server = await listening.next()
  let seen = ''
  server.socket.on('data', (bytes: Buffer) => { seen += bytes.toString('latin1') })
  await server.over()
  t.notRegex(seen, /PORT/)
})

test('it doesn\'t matter in which pieces a client\'s bytes come', (t) => {
  for (const [text, found] of [
    ['NOOP\r\nport 1,2\r\n', true], ['\r\n\x00\x00 EPRT |', true], [`${'y'.repeat(300)}LPRT 4,4,10,0`, true], ['PORT\r\n', true], ['xPORT 10,0,0,1,0,22', false],
    [`${'y'.repeat(300)}port 80, or 81 or so`, false], ['P\nORT 1', false],
  ] as const) {
    for (let cut = 0; cut <= text.length; cut++) {
      const guard = new BounceGuard()
      const [first, second] = [text.slice(0, cut), text.slice(cut)].map((piece) => Buffer.from(piece, 'latin1'))
      t.is(guard.watch(first!) || guard.watch(second!), found, `${JSON.stringify(text.slice(-30))} cut at ${cut}`)
    }
  }
})
