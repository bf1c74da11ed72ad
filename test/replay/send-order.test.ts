import fc from 'fast-check'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { Pace } from '../../src/replay/pace.js'
import { inRecordedOrder } from '../../src/replay/send/in-order.js'
import { Run } from '../../src/replay/send/sender.js'
import type { SenderOptions } from '../../src/replay/send/sender.js'
import { RecordedOrder } from '../../src/replay/send/order.js'
import type { Span } from '../../src/replay/send/order.js'
import { until } from '../real/deadline.js'
import { httpOrigin } from '../real/http-origin.js'
import { connectTo, serve } from '../real/peer.js'
import type { Peer } from '../real/peer.js'
import { taping } from '../real/relaying.js'
import { scriptedFtp } from './ftp-script.js'
import { sendTo } from './send-again.js'

test('what was over before something began is over again before it begins, and all come to their end', async (t) => {
  const span = fc.tuple(fc.nat(30), fc.nat(10), fc.option(fc.nat(10))).map(([began, took, left]): Span => ({ began, ...(left === null ? {} : { said: began + took }), over: began + took + (left ?? 0) }))
  await fc.assert(fc.asyncProperty(fc.array(span, { maxLength: 25 }), fc.array(fc.nat(5), { minLength: 25, maxLength: 25 }), async (given, steps) => {
    const spans = given.toSorted((a, b) => a.began - b.began)
    const order = new RecordedOrder(spans)
    const [said, over] = [new Set<number>(), new Set<number>()]
    await Promise.all(spans.map(async ({ began }, index) => {
      await order.turn(index)
      for (const [other, { said: last = Infinity, over: end }] of spans.entries()) {
        if (last < began) t.true(said.has(other))
        if (end < began) t.true(over.has(other))
      }
      for (let step = 0; step < steps[index]!; step++) await Promise.resolve()
      said.add(index)
      order.said(index)
      for (let step = 0; step < steps[index]!; step++) await Promise.resolve()
      over.add(index)
      order.done(index)
    }))
    t.is(over.size, spans.length)
  }))
})

test('in whatever order they are given, and whatever a clock says that went back, each begins in its turn and all come to their end', async (t) => {
  const time = fc.nat(30)
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(time, time, fc.option(time)), { maxLength: 25 }), async (given) => {
    const pace = new Pace('max', '--speed')
    const run = new Run(pace, false, undefined)
    const planned = given.map(([began, over, said], id) => ({ id, began, over, ...(said === null ? {} : { said }) }))
    const ended = new Set<number>()
    await inRecordedOrder({ run, settings: { pace } } as SenderOptions, planned, 0, async ({ id, began }, said) => {
      for (const other of planned) if (Math.max(other.began, other.over) < began) t.true(ended.has(other.id))
      await Promise.resolve()
      said()
      await Promise.resolve()
      ended.add(id)
    })
    t.is(ended.size, planned.length)
    t.is(run.failure, null)
  }))
})

test('a run that is ended begins no more, whatever waits for whatever', async (t) => {
  const pace = new Pace('max', '--speed')
  const ending = new AbortController()
  const run = new Run(pace, false, ending.signal)
  let begun = 0
  await inRecordedOrder({ run, settings: { pace } } as SenderOptions, [{ id: 1, began: 0, over: 1 }, { id: 2, began: 2, over: 3 }], 0, async () => {
    begun++
    ending.abort()
  })
  t.is(begun, 1)
})

test('HTTP: more connections than can be open at once, each with a request before and after those of the others', async (t) => {
  const heard: string[] = []
  const origin = await httpOrigin(t, (request, response) => {
    heard.push(request.url!)
    response.end('ok')
  })
  const taped = await taping(t, { http: origin.target })
  const clients = await Promise.all(Array.from({ length: 1_003 }, () => connectTo(t, taped.port)))
  for (const part of ['before', 'after']) {
    for (const client of clients) client.write(`GET /${part} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await Promise.all(clients.map((client) => client.through('ok')))
  }
  for (const client of clients) client.finish()
  await until(() => taped.relay.stats().open === 0, 'the end of all')
  await taped.relay.stop()
  heard.length = 0
  const { sent, comparison, notes } = await sendTo(t, taped.path, origin.port)
  t.is(sent, 2_006)
  t.deepEqual(comparison.differences, [])
  t.regex(notes.join(), /more than 1000 connections were open at once/)
  t.is(heard.filter((path) => path === '/after').length, 1_003)
})

test('what lingers when it is over counts among what is open, and holds up nothing else', async (t) => {
  const pace = new Pace('max', '--speed')
  const run = new Run(pace, false, undefined)
  const planned = Array.from({ length: 20 }, (_, id) => ({ id, began: 2 * id, over: 2 * id + 1 }))
  let [open, most, whileLingering] = [0, 0, 0]
  await inRecordedOrder({ run, settings: { pace } } as SenderOptions, planned, 0, async () => {
    if (open > 0) whileLingering++
    most = Math.max(most, ++open)
    return async () => {
      await new Promise((resolve) => { setTimeout(resolve, 10) })
      open--
    }
  }, 3)
  t.is(most, 3)
  t.true(whileLingering > 0)
  t.is(open, 0)
  t.is(run.failure, null)
})

/** A client that leaves and comes again may be back before the relay has seen it leave: here it is, always. */
async function comesBack(t: ExecutionContext, protocol: 'tcp' | 'ftp', port: number, hello: readonly string[], lines: readonly string[]): Promise<string> {
  const taped = await taping(t, { [protocol]: `0=127.0.0.1:${port}` })
  let left: Peer | null = null
  for (const line of lines) {
    const client = await connectTo(t, taped.port)
    await client.through('\n')
    for (const said of [...hello, line]) {
      client.write(said)
      await client.through('\n')
    }
    left?.finish()
    left = client
  }
  left!.finish()
  await until(() => taped.relay.stats().open === 0, 'the end of all')
  await taped.relay.stop()
  return taped.path
}

const patient = 100

test('TCP: what was answered before another client came is answered again before it comes, though it left later', async (t) => {
  const heard: string[] = []
  const { port } = await serve(t, (socket) => {
    heard.push('comes')
    socket.on('end', () => socket.end()).write('hello\n')
    socket.on('data', (bytes) => setTimeout(() => {
      heard.push(`answered ${bytes.toString()}`)
      socket.write('done\n')
    }, patient))
  })
  const file = await comesBack(t, 'tcp', port, [], ['put', 'get'])
  const { comparison } = await sendTo(t, file, port)
  t.deepEqual(comparison.differences, [])
  const each = ['comes', 'answered put', 'comes', 'answered get']
  t.deepEqual(heard, [...each, ...each])
})

test('FTP: what was answered before another session began is answered again before it begins, though it ended later', async (t) => {
  const heard: string[] = []
  const port = await scriptedFtp(t, (line, { reply }) => {
    if (line.startsWith('USER')) heard.push('comes')
    if (!line.startsWith('SITE')) return false
    setTimeout(() => {
      heard.push(`answered ${line}`)
      reply('200 done')
    }, patient)
    return true
  })
  const file = await comesBack(t, 'ftp', port, ['USER anonymous\r\n', 'PASS guest@\r\n'], ['SITE PUT\r\n', 'SITE GET\r\n'])
  const { comparison } = await sendTo(t, file, port)
  t.deepEqual(comparison.differences, [])
  const each = ['comes', 'answered SITE PUT', 'comes', 'answered SITE GET']
  t.deepEqual(heard, [...each, ...each])
})
