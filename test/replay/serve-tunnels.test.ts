import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { until, within } from '../real/deadline.js'
import { installed } from '../real/installed.js'
import { freePort } from '../real/free-port.js'
import { connectTo, peerServer, serve } from '../real/peer.js'
import { run, start } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { answerWebSocket, frame, maskedFrame } from '../real/web-socket.js'
import { serving } from './served.js'

const withChromium = installed('chromium') ? test : test.skip
const withCurl = installed('curl') ? test : test.skip
const withProxytunnel = installed('proxytunnel') ? test : test.skip

const page = `<!doctype html><script type=module>
  const talk = (...texts) => new Promise((resolve) => {
    const heard = []
    const socket = new WebSocket('ws://' + location.host + '/chat')
    socket.onmessage = ({ data }) => {
      heard.push(data)
      if (texts.length > 0) socket.send(texts.shift())
      else socket.close(1000, 'done')
    }
    socket.onclose = ({ code, reason, wasClean }) => resolve([...heard, code, reason, wasClean].join(' '))
  })
  const told = await Promise.all([talk('one', 'two', 'x'.repeat(300)), talk('uno', 'due')])
  await fetch('http://127.0.0.1:' + location.search.slice(1), { method: 'POST', mode: 'no-cors', body: told.join('; ') })
</script>`

/** A server with a page, and a chat that tells how long what it is told is. */
async function chatServer(t: ExecutionContext): Promise<{ readonly target: string, stop(): void }> {
  const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(page))
  server.on('upgrade', (request, socket) => answerWebSocket(request, socket, (text, count) => [`${count}: ${text.length}`], ['hello']))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = (): void => {
    server.closeAllConnections()
    server.close()
  }
  t.teardown(stop)
  return { target: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop }
}

withChromium('chromium talks over WebSockets as it did, with keys of its own, when the server is gone', async (t) => {
  const chat = await chatServer(t)
  const tape = await taping(t, { http: `0=${chat.target}` })
  // Told to somebody else: neither the load of a page nor chromium's virtual time waits for a WebSocket.
  const listener = createServer()
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.teardown(() => listener.close())
  const visit = async (port: number): Promise<string> => {
    const chromium = start(t, 'chromium', [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      `--user-data-dir=${temporaryFolder(t)}`, '--remote-debugging-port=0', `http://127.0.0.1:${port}/?${(listener.address() as AddressInfo).port}`,
    ])
    chromium.stdout.resume()
    chromium.stderr.resume()
    const [request, response] = await within(once(listener, 'request') as Promise<[IncomingMessage, ServerResponse]>, 'what the page was told')
    const said = await text(request)
    response.end()
    chromium.kill()
    await once(chromium, 'close')
    return said
  }
  const told = await visit(tape.port)
  t.is(told, 'hello 1: 3 2: 3 3: 300 1000 done true; hello 1: 3 2: 3 1000 done true')
  await tape.relay.stop()
  chat.stop()
  const server = await serving(t, tape.path, { http: 0 })
  for (let round = 0; round < 2; round++) t.is(await visit(server.port), told)
  t.deepEqual(server.misses.filter(({ asked }) => !asked.includes('favicon')), [])
})

/** @returns the answer's head. */
function upgrade(key: string): string {
  return `GET /chat HTTP/1.1\r\nHost: chat\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`
}

test('WebSockets are told apart by what is said, whatever the masks and however it is split; another word is reported', async (t) => {
  const chat = await chatServer(t)
  const tape = await taping(t, { http: `0=${chat.target}` })
  const talk = async (port: number, key: string, texts: readonly string[], split = false): Promise<string> => {
    const client = await connectTo(t, port)
    client.write(upgrade(key))
    const head = await client.through('\r\n\r\n')
    let heard = (await client.take(7)).toString('latin1')
    for (const text of texts) {
      const bytes = maskedFrame(1, Buffer.from(text))
      for (const piece of split ? [...bytes].map((byte) => Buffer.from([byte])) : [bytes]) client.write(piece)
      heard += (await client.take(frame(1, Buffer.from(`1: ${text.length}`)).length)).toString('latin1')
    }
    client.write(maskedFrame(8, Buffer.from([3, 232])))
    return head + heard + (await client.rest()).toString('latin1')
  }
  const keys = ['dGhlIHNhbXBsZSBub25jZQ==', 'x3JJHMbDL1EzLkh9GBhXDw=='] as const
  const texts = [['left', 'on'], ['right', 'x'.repeat(200), 'off']] as const
  const told = [await talk(tape.port, keys[0], texts[0]), await talk(tape.port, keys[1], texts[1])] as const
  t.regex(told[0], /s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/)
  await tape.relay.stop()
  chat.stop()
  const server = await serving(t, tape.path, { http: 0 })
  for (const split of [false, true]) {
    t.is(await talk(server.port, keys[1], texts[1], split), told[1])
    t.is(await talk(server.port, keys[0], texts[0], split), told[0])
    // The key is the client's, what else is said the recording's.
    t.is(await talk(server.port, keys[1], texts[0], split), told[0].replace('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'HSmrc0sMlYUkAGmm5OPpG2HaGWk='))
  }
  t.is(server.missed, 0)

  const client = await connectTo(t, server.port)
  client.write(upgrade(keys[0]))
  await client.through('hello')
  client.write(maskedFrame(1, Buffer.from('lost')))
  t.is(await client.over(), 'ECONNRESET')
  t.is(server.missed, 1)
  t.like(server.misses[0], {
    kind: 'diverged', protocol: 'http', closest: 2, asked: 'GET /chat, and then "\\x81\\x84\\x00\\x00\\x00\\x00lost"',
    differs: [{ field: 'offset 7', came: '6f 73 74 |ost|', recorded: '65 66 74 |eft|' }],
  })
  t.is(server.misses[0]!.text, 'the client says something else than that of the tunnel of exchange 2')
  t.is(server.misses[0]!.differs[0]?.field, 'offset 7')

  const turns = await serving(t, tape.path, { http: 0, tcpMatch: 'turn' })
  t.is(await talk(turns.port, keys[0], ['TEFL', 'no']), told[0])
  t.is(turns.missed, 0)
})

/** A proxy that lets through what CONNECT asks for, and refuses what isn't `allowed`. */
async function connectProxy(t: ExecutionContext, allowed: number): Promise<{ readonly target: string, stop(): void }> {
  const server = createServer((_, response) => response.writeHead(404).end())
  server.on('connect', ({ url }, socket, head) => {
    if (url !== `127.0.0.1:${allowed}`) {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
      return
    }
    const there = connect(allowed, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n')
      there.write(head)
      socket.pipe(there).pipe(socket)
    })
    there.on('error', () => socket.destroy())
    socket.on('error', () => there.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { target: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() }
}

withCurl('curl through a proxy\'s tunnel: the same when proxy and server are gone, and a tunnel to elsewhere is none', async (t) => {
  const origin = createServer((request, response) => response.end(`${request.method} ${request.url}`))
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  t.teardown(() => origin.close())
  const { port } = origin.address() as AddressInfo
  const proxy = await connectProxy(t, port)
  const tape = await taping(t, { http: `0=${proxy.target}` })
  const ask = async (through: number, url: string, ...more: string[]): Promise<string> => {
    const { code, stdout } = await run(t, 'curl', ['-sS', '-i', '-p', '-x', `http://127.0.0.1:${through}`, url, ...more])
    return `${code} ${stdout.toString()}`
  }
  const url = `http://127.0.0.1:${port}`
  const all = async (through: number): Promise<string[]> => [
    await ask(through, `${url}/one`), await ask(through, `${url}/two`, `${url}/three`), await ask(through, `${url}/four`, '-d', 'x'.repeat(100_000)), await ask(through, 'http://127.0.0.1:9/'),
  ]
  const told = await all(tape.port)
  t.regex(told[1]!, /^0 HTTP\/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\nHTTP[^]*GET \/two[^]*GET \/three$/)
  t.regex(told[3]!, /^56 HTTP\/1.1 403/)
  await tape.relay.stop()
  proxy.stop()
  origin.closeAllConnections()
  origin.close()
  const server = await serving(t, tape.path, { http: 0 })
  for (let round = 0; round < 3; round++) t.deepEqual(await all(server.port), told)
  t.is(server.missed, 0)

  t.regex(await ask(server.port, 'http://127.0.0.1:10/'), /^56 HTTP\/1.1 502/)
  t.regex(server.misses[0]!.text, /^no recorded request matches CONNECT 127.0.0.1:10: the closest is exchange \d+, CONNECT 127/)
  t.is(server.misses[0]!.differs[0]!.field, 'host')
  t.regex(await ask(server.port, `${url}/other`), /^(?:52|56) /)
  t.like(server.misses[1], { kind: 'diverged', protocol: 'http' })
})

withProxytunnel('proxytunnel: a server that speaks first, and its end', async (t) => {
  const origin = await serve(t, (socket) => {
    socket.write('220 ready\r\n')
    let said = ''
    socket.on('data', (bytes) => {
      said += bytes.toString()
      if (said.endsWith('QUIT\r\n')) socket.end('221 bye\r\n')
      else socket.write(`250 ${said.length}\r\n`)
    })
  })
  const proxy = await connectProxy(t, origin.port)
  const tape = await taping(t, { http: `0=${proxy.target}` })
  const talk = async (port: number): Promise<string> => {
    const local = await freePort()
    start(t, 'proxytunnel', ['-q', '-a', String(local), '-p', `127.0.0.1:${port}`, '-d', `127.0.0.1:${origin.port}`]).stdout.resume()
    const client = await until(() => connectTo(t, local).catch(() => null), 'proxytunnel to listen')
    let heard = await client.through('\r\n')
    heard += await client.write('HELO\r\n').through('\r\n')
    return heard + (await client.write('QUIT\r\n').rest()).toString()
  }
  const told = await talk(tape.port)
  t.is(told, '220 ready\r\n250 6\r\n221 bye\r\n')
  await tape.relay.stop()
  const server = await serving(t, tape.path, { http: 0 })
  t.is(await talk(server.port), told)
  t.is(server.missed, 0)
})

test('what comes with the request, and a client that closes its side, are heard in the tunnel', async (t) => {
  const origin = await peerServer(t)
  const tape = await taping(t, { http: `0=http://127.0.0.1:${origin.port}` })
  const recorded = (await connectTo(t, tape.port)).write('CONNECT db:1 HTTP/1.1\r\nHost: db:1\r\n\r\n')
  const behind = await origin.next()
  await behind.through('\r\n\r\n')
  behind.write('HTTP/1.1 200 OK\r\n\r\n')
  await recorded.through('\r\n\r\n')
  recorded.write('question').finish()
  await behind.through('question')
  behind.write('answer').finish()
  t.is((await recorded.rest()).toString(), 'answer')
  await behind.gone()
  await tape.relay.stop()
  for (const timing of ['none', 'recorded'] as const) {
    const server = await serving(t, tape.path, { http: 0, timing })
    const client = await connectTo(t, server.port)
    client.write('CONNECT db:1 HTTP/1.1\r\nHost: db:1\r\n\r\nquestion').finish()
    t.is((await client.rest()).toString(), 'HTTP/1.1 200 OK\r\n\r\nanswer')
    t.is(server.missed, 0)
  }
})
