import type { Socket } from 'node:net'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { openRecording } from 'wiretape'
import { within } from '../real/deadline.js'
import { datagramEcho, datagramPeer } from '../real/datagram-peer.js'
import { freePort } from '../real/free-port.js'
import { httpOrigin } from '../real/http-origin.js'
import { installed } from '../real/installed.js'
import { connectTo, serve } from '../real/peer.js'
import { redisServer, resp } from '../real/redis.js'
import { taping } from '../real/relaying.js'
import { datagramVisit } from './datagram-visit.js'
import { ftpVisit, scriptedFtp } from './ftp-script.js'
import { lineServer } from './line-server.js'
import { sendTo, told } from './send-again.js'

/*
 * How long answers are waited for: none without end, none less long than was recorded.
 */

const chunk = Buffer.alloc(256 * 1024, 'and on and on ')

/** Writes as much as is taken, until the other side goes. */
function flood(socket: Socket): void {
  const more = (): void => { while (!socket.destroyed && socket.write(chunk)); }
  socket.on('drain', more)
  more()
}

/** Writes a little now and then, until the other side goes. */
function drip(socket: Socket, bytes = 'x'): void {
  const timer = setInterval(() => socket.write(bytes), 20)
  socket.on('close', () => clearInterval(timer))
}

async function httpVisit(t: ExecutionContext, answer?: (path: string) => Promise<void>): Promise<string> {
  const origin = await httpOrigin(t, (request, response) => {
    void (answer?.(request.url!) ?? Promise.resolve()).then(() => response.setHeader('Content-Type', 'text/plain').end(request.url))
  })
  const taped = await taping(t, { http: origin.target })
  for (const path of ['/first', '/second']) await (await fetch(`http://127.0.0.1:${taped.port}${path}`)).text()
  await taped.relay.stop()
  return taped.path
}

for (const [how, go, what, silence] of [
  // A flood stops for as long as a busy machine wants, and is cut for its bytes all the same.
  ['floods', flood, /^answered more than 8\.\d MiB, cut$/, 60_000], ['drips', drip, /^answered for more than \S+ \S+, cut$/, 2_000],
] as const) {
  test.serial(`HTTP: an answer that ${how} is cut and told, and the run goes on`, async (t) => {
    const origin = await httpOrigin(t, (request, response) => {
      if (request.url === '/second') {
        response.setHeader('Content-Type', 'text/plain').end('/second')
        return
      }
      request.socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n')
      go(request.socket)
    })
    const { comparison } = await sendTo(t, await httpVisit(t), origin.port, { to: `http://127.0.0.1:${origin.port}`, patience: silence, ignore: [] })
    const answer = comparison.differences.find(({ field }) => field === 'answer')
    t.is(answer?.asked, 'GET /first')
    t.regex(answer!.now!, what)
    t.is(comparison.failed, 1)
    t.is(comparison.differences.filter(({ asked }) => asked === 'GET /second' ).length, 0)
  })

  test.serial(`FTP: a reply that ${how} is cut and told`, async (t) => {
    const port = await scriptedFtp(t, (line, { socket, reply }) => {
      if (line !== 'NOOP') return false
      reply('200-lines')
      if (how === 'floods') flood(socket)
      else drip(socket, ' and on\r\n')
      return true
    })
    const { comparison } = await sendTo(t, await ftpVisit(t, await scriptedFtp(t)), port, { patience: silence })
    t.true(comparison.differences.some(({ field }) => field === 'reply'), comparison.differences.map(told).join('\n'))
    t.is(comparison.failed, 1)
  })

  test.serial(`FTP: data that ${how} is cut and told, and the session goes on`, async (t) => {
    const port = await scriptedFtp(t, (line, { data, reply }) => {
      if (!line.startsWith('RETR')) return false
      reply('150 comes')
      void data.then((made) => {
        made.on('close', () => reply('226 done'))
        go(made)
      })
      return true
    })
    const { comparison } = await sendTo(t, await ftpVisit(t, await scriptedFtp(t)), port, { patience: silence })
    const [answer, content, ...more] = comparison.differences
    t.is(answer?.asked, 'RETR a')
    t.regex(answer!.now!, what)
    t.is(content?.field, 'content')
    t.deepEqual(more, [])
  })

  test.serial(`TCP: an answer that ${how} is cut and told`, async (t) => {
    const taped = await taping(t, { tcp: `0=127.0.0.1:${await lineServer(t, (line) => `${line}${'!'.repeat(50)}\n`)}` })
    const client = await connectTo(t, taped.port)
    await client.through('hello\n')
    for (const line of ['one', 'two']) {
      client.write(`${line}\n`)
      await client.through('!\n')
    }
    client.finish()
    await client.rest()
    await taped.relay.stop()
    const { port } = await serve(t, (socket) => {
      socket.write('hello\n')
      socket.once('data', () => go(socket))
    })
    const { comparison } = await sendTo(t, taped.path, port, { patience: silence })
    t.is(comparison.different + comparison.failed, 1)
    // A server that goes on slowly is left at the end of the conversation.
    if (how === 'floods') t.true(comparison.differences.some(({ field, now }) => field === 'answer' && what.test(now!)), comparison.differences.map(told).join('\n'))
  })
}

test.serial('FTP: preliminary replies without end are cut', async (t) => {
  const port = await scriptedFtp(t, (line, { socket }) => {
    if (line === 'NOOP') drip(socket, '120 wait\r\n')
    return line === 'NOOP'
  })
  const { comparison } = await sendTo(t, await ftpVisit(t, await scriptedFtp(t)), port, { patience: 2_000 })
  t.is(comparison.failed, 1)
})

test.serial('UDP: a server that answers without end is left while the run goes on', async (t) => {
  const echo = await datagramEcho(t)
  const taped = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, decode: 'none' })
  for (const text of ['one', 'two']) {
    const client = await datagramPeer(t)
    await client.send(text, taped.port)
    await client.text()
  }
  await taped.relay.stop()
  const endless = await datagramPeer(t)
  let toGo = 2_000
  endless.socket.on('message', (bytes, from) => {
    // The second session is waited for, and meanwhile the first would go on.
    if (bytes.toString() !== 'one') return
    const more = setInterval(() => {
      for (let n = 0; n < 10 && toGo > 0; n++, toGo--) endless.socket.send(chunk.subarray(0, 60_000), from.port, from.address, () => {})
      if (toGo === 0) clearInterval(more)
    }, 5)
  })
  const { comparison, path } = await sendTo(t, taped.path, endless.port, { patience: 3_000 })
  t.is(comparison.different, 1)
  t.is(comparison.failed, 1)
  using now = openRecording(path)
  const [first] = [...now.connections()]
  t.true(first!.bytesDown < 30_000_000, `${first!.bytesDown} bytes`)
})

/** Each server takes longer than the patience, both times. */
const patience = 2_000
const slowly = 4_000
const later = (work: () => void): void => { setTimeout(work, slowly) }

test.serial('HTTP: an answer that took longer than the patience is waited for as long again', async (t) => {
  const answer = (path: string): Promise<void> => new Promise((resolve) => path === '/first' ? later(resolve) : resolve())
  const origin = await httpOrigin(t, (request, response) => { void answer(request.url!).then(() => response.setHeader('Content-Type', 'text/plain').end(request.url)) })
  const { comparison } = await sendTo(t, await httpVisit(t, answer), origin.port, { to: `http://127.0.0.1:${origin.port}`, patience })
  t.deepEqual(comparison.differences.map(told), [])
})

test.serial('HTTP: an answer that comes after it was left is not taken for one', async (t) => {
  const file = await httpVisit(t, (path) => new Promise((resolve) => path === '/second' ? later(resolve) : resolve()))
  const { port } = await serve(t, (socket) => socket.on('data', (bytes) => {
    const path = /^GET (\S+)/.exec(bytes.toString('latin1'))![1]!
    setTimeout(() => socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${path.length}\r\n\r\n${path}`), path === '/first' ? 3_500 : slowly)
  }))
  const { comparison, path } = await sendTo(t, file, port, { to: `http://127.0.0.1:${port}`, patience, ignore: [] })
  t.deepEqual(comparison.differences.map((one) => `${one.asked} ${told(one)}`.replace(/[\d.]+ m?s\b/, 'so long')), ['GET /first answer: complete → silent for so long, left'])
  using now = openRecording(path)
  t.deepEqual([...now.exchanges()].map(({ status }) => status), [null, 200])
})

test.serial('HTTP: a silence within an answer, too', async (t) => {
  const origin = await httpOrigin(t, (_, response) => {
    response.write('one ')
    later(() => response.write('two '))
    setTimeout(() => response.end('three'), slowly + 200)
  })
  const taped = await taping(t, { http: origin.target })
  await (await fetch(`http://127.0.0.1:${taped.port}/`)).text()
  await taped.relay.stop()
  const { comparison } = await sendTo(t, taped.path, origin.port, { to: `http://127.0.0.1:${origin.port}`, patience })
  t.deepEqual(comparison.differences.map(told), [])
})

test.serial('FTP: slow replies and slow data are waited for as long again', async (t) => {
  const slow = (): Promise<number> => scriptedFtp(t, (line, { reply, data }) => {
    if (line === 'NOOP') later(() => reply('200 NOOP'))
    if (line.startsWith('RETR')) {
      reply('150 comes')
      void data.then((made) => {
        made.write('some ')
        later(() => made.end('more', () => reply('226 done')))
      })
    }
    return line === 'NOOP' || line.startsWith('RETR')
  })
  const { comparison } = await sendTo(t, await ftpVisit(t, await slow()), await slow(), { patience })
  t.deepEqual(comparison.differences.map(told), [])
})

test.serial('UDP: a slow answer is waited for as long again', async (t) => {
  const slow = await datagramPeer(t)
  slow.socket.on('message', (bytes, from) => later(() => slow.socket.send(bytes, from.port, from.address)))
  const taped = await taping(t, { udp: `0=127.0.0.1:${slow.port}`, decode: 'none' })
  const client = await datagramPeer(t)
  for (const text of ['one', 'two']) {
    await client.send(text, taped.port)
    await client.text()
  }
  await taped.relay.stop()
  const { comparison } = await sendTo(t, taped.path, slow.port, { patience })
  t.deepEqual(comparison.differences.map(told), [])
})

const withRedis = installed('redis-server') ? test.serial : test.serial.skip

withRedis('TCP: BLPOP of redis is waited for as long again, also at the end of a connection', async (t) => {
  const { port } = await redisServer(t)
  const taped = await taping(t, { tcp: `0=127.0.0.1:${port}` })
  const client = await connectTo(t, taped.port)
  for (const seconds of ['1', '4']) {
    client.write(resp('BLPOP', 'nothing', seconds))
    t.is(await client.through('\r\n'), '*-1\r\n')
  }
  await client.finish().rest()
  await taped.relay.stop()
  const { comparison } = await sendTo(t, taped.path, port, { patience })
  t.deepEqual(comparison.differences.map(told), [])
})

/** Peers that take everything and say nothing. */
const deaf = async (t: ExecutionContext): Promise<number> => (await serve(t, (socket) => socket.resume())).port

test.serial('an ended run ends at once, whatever the protocol', async (t) => {
  const udp = await datagramVisit(t)
  const tcp = await taping(t, { tcp: `0=127.0.0.1:${await lineServer(t, (line) => `${line}!\n`)}` })
  const talker = await connectTo(t, tcp.port)
  await talker.through('hello\n')
  await talker.write('one\n').through('one!\n')
  await talker.finish().rest()
  await tcp.relay.stop()
  const endless = await scriptedFtp(t, (line, { data, reply }) => {
    if (!line.startsWith('RETR')) return false
    reply('150 comes')
    void data.then((made) => drip(made))
    return true
  })
  const ftp = await ftpVisit(t, await scriptedFtp(t))
  const http = await httpVisit(t)
  const silent = (await datagramPeer(t)).port
  for (const [what, file, to] of [
    ['HTTP', http, `http://127.0.0.1:${await deaf(t)}`], ['TCP', tcp.path, `127.0.0.1:${await deaf(t)}`], ['UDP', udp, `127.0.0.1:${silent}`],
    ['FTP without a greeting', ftp, `127.0.0.1:${await deaf(t)}`], ['FTP with data without end', ftp, `127.0.0.1:${endless}`],
  ] as const) {
    const interruption = new AbortController()
    let ended = 0
    setTimeout(() => {
      ended = performance.now()
      interruption.abort()
    }, 400)
    const { interrupted, equal } = await sendTo(t, file, 0, { to, patience: 120_000, signal: interruption.signal })
    const took = performance.now() - ended
    t.true(interrupted)
    t.false(equal)
    t.true(took < 60_000, `${what}: ${took} ms`)
  }
})

test.serial('a run that was ended before anything was sent is not equal', async (t) => {
  const file = await httpVisit(t)
  const result = await sendTo(t, file, await deaf(t), { to: `http://127.0.0.1:${await freePort()}`, signal: AbortSignal.abort() })
  t.is(result.sent, 0)
  t.is(result.planned, 2)
  t.true(result.interrupted)
  t.false(result.equal)
  t.is(result.comparison.differenceCount, 0)
})

test.serial('UDP: a target that refuses is told at once, in one line', async (t) => {
  const echo = await datagramEcho(t)
  const taped = await taping(t, { udp: `0=127.0.0.1:${echo.port}`, decode: 'none' })
  for (let n = 0; n < 5; n++) {
    const client = await datagramPeer(t)
    await client.send('one', taped.port)
    await client.text()
  }
  await taped.relay.stop()
  const port = await freePort()
  const began = performance.now()
  const error = await t.throwsAsync(sendTo(t, taped.path, port, { patience: 120_000 }))
  t.is(error?.message, `nothing could be sent: nobody listens on 127.0.0.1:${port} (port unreachable)`)
  t.is((error as { code?: string }).code, 'connect')
  t.true(performance.now() - began < 60_000)
})

for (const [what, ended] of [['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'], ['TCP', 'ask\n']] as const) {
  test.serial(`${what}: a client that gave up waits as long again, and no longer`, async (t) => {
    const port = await deaf(t)
    const http = what === 'HTTP'
    const taped = await taping(t, http ? { http: `0=http://127.0.0.1:${port}` } : { tcp: `0=127.0.0.1:${port}` })
    const client = await connectTo(t, taped.port)
    client.write(ended)
    await new Promise((resolve) => { setTimeout(resolve, 3_000) })
    client.reset()
    await taped.relay.stop()
    const to = (target: number): string => http ? `http://127.0.0.1:${target}` : `127.0.0.1:${target}`
    const began = performance.now()
    const { comparison } = await sendTo(t, taped.path, port, { to: to(port), patience: 120_000 })
    t.deepEqual(comparison.differences.map(told), [])
    t.true(performance.now() - began < 60_000)
    const quick = await serve(t, (socket) => socket.once('data', () => { setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 200) }))
    const answered = await sendTo(t, taped.path, quick.port, { to: to(quick.port), patience: 120_000 })
    t.is(answered.comparison.different, 1, answered.comparison.differences.map(told).join('\n'))
  })
}

test.serial('FTP: a client that gave up on a reply waits as long again, and no longer', async (t) => {
  const mute = (): Promise<number> => scriptedFtp(t, (line) => line === 'NOOP')
  const target = await mute()
  const taped = await taping(t, { ftp: `0=127.0.0.1:${target}` })
  const client = await connectTo(t, taped.port)
  await client.through('\r\n')
  await client.write('USER anonymous\r\n').through('\r\n')
  client.write('NOOP\r\n')
  await new Promise((resolve) => { setTimeout(resolve, 3_000) })
  client.finish()
  await client.gone()
  await taped.relay.stop()
  const began = performance.now()
  const { comparison } = await within(sendTo(t, taped.path, target, { patience: 120_000 }), 'the run')
  t.deepEqual(comparison.differences.map(told), [])
  t.true(performance.now() - began < 60_000)
  t.deepEqual((await sendTo(t, taped.path, await scriptedFtp(t))).comparison.differences.map(({ asked, field }) => `${asked} ${field}`), ['NOOP reply'])
})
