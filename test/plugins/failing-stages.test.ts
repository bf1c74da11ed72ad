import test from 'ava'
import { definePlugin } from 'wiretape'
import type { AnyPlugin } from 'wiretape'
import { controlPair } from '../ftp/control-pair.js'
import { until } from '../real/deadline.js'
import { connectTo, echoServer } from '../real/peer.js'
import { relaying } from '../real/relaying.js'
import { run } from '../real/program.js'
import { http, httpOrigin } from '../real/http-origin.js'

/** Stages that fail, on connections whose plugins come and go. */

const up = (name: string, stage: unknown): AnyPlugin =>
  definePlugin({ name, description: name, setup: () => ({ stream: ({ direction }) => direction === 'up' ? stage as never : undefined }) })

const passing = up('passing', async function* (chunks: AsyncIterable<Buffer>) { yield* chunks })

test('a stage that has failed is not tried again when other plugins come and go', async (t) => {
  const lines: string[] = []
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, log: (line) => lines.push(line) })
  const client = await connectTo(t, relay.port)
  t.is((await client.write('a').take(1)).toString(), 'a')
  let tried = 0
  relay.inject(up('fails', async function* () {
    await Promise.resolve()
    if (++tried > 0) throw new Error('no luck')
    yield 'never'
  }))
  await until(() => lines.length === 1, 'the stage to fail')
  for (let round = 0; round < 3; round++) {
    const other = relay.inject(passing)
    t.is((await client.write('b').take(1)).toString(), 'b')
    other.remove()
    t.is((await client.write('c').take(1)).toString(), 'c')
  }
  t.is(tried, 1)
  t.is(lines.length, 1)
})

test('a stage that is none, or gives on what are no bytes, is told so', async (t) => {
  const failing = async (stage: unknown): Promise<string> => {
    const lines: string[] = []
    const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [up('odd', stage)], log: (line) => lines.push(line) })
    const client = await connectTo(t, relay.port)
    client.write('a')
    await until(() => lines.length === 1, 'the stage to fail')
    return lines[0]!
  }
  t.regex(await failing(5), /^odd: stream failed: it returned a value of type number: it may return an async generator function, or nothing/)
  t.regex(await failing(() => 5), /^odd: stream failed: it is no async generator function: async function\*/)
  t.regex(await failing(async function* (chunks: AsyncIterable<Buffer>) { for await (const _ of chunks) yield 42 }), /^odd: stream failed: it gave on 42: a stage yields bytes or text/)
  t.regex(await failing(async function* (chunks: AsyncIterable<Buffer>) { for await (const _ of chunks) yield undefined }), /^odd: stream failed: it gave on undefined/)
})

test('the same of a body\'s stream', async (t) => {
  const server = await httpOrigin(t, (_request, response) => response.end('a body'))
  const failing = async (transform: unknown): Promise<string> => {
    const lines: string[] = []
    const relay = await relaying(t, { http: server.target, plugins: [http('odd', { response(response) { response.transformBody(transform as never) } })], log: (line) => lines.push(line) })
    t.not((await run(t, 'curl', ['-s', `http://127.0.0.1:${relay.port}/`])).code, 0)
    return lines.join()
  }
  t.regex(await failing(() => 5), /^odd: http\.response transformBody failed: transformBody takes a function that gives chunks: async function\*/)
  t.regex(await failing(async function* (chunks: AsyncIterable<Buffer>) { for await (const _ of chunks) yield 42 }), /^odd: http\.response transformBody failed: it gave on 42: a stage yields bytes or text/)
})

test('ftp.data is asked once for a transfer, however often plugins come and go during it', async (t) => {
  let asked = 0
  const asks = definePlugin({ name: 'asks', description: 'Counts.', setup: () => ({ ftp: { data: () => {
    asked++
    return async function* (chunks) { yield* chunks }
  } } }) })
  const { tape, client, asks: asksFor, answers, passive, data } = await controlPair(t, { plugins: [asks] })
  const port = await passive()
  const receiver = await connectTo(t, port)
  await asksFor('RETR a')
  const sender = await data.next()
  await answers('150 Here it comes.')
  sender.write('a')
  t.is((await receiver.take(1)).toString(), 'a')
  for (let round = 0; round < 3; round++) {
    const other = tape.relay.inject(passing)
    sender.write('b')
    t.is((await receiver.take(1)).toString(), 'b')
    other.remove()
  }
  t.is(asked, 1)
  sender.finish()
  await receiver.gone()
  await answers('226 Done.')
  client.finish()
})
