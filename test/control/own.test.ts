import test from 'ava'
import { createSocket } from 'node:dgram'
import { connectTo, echoServer, peerServer, serve } from '../real/peer.js'
import { freePort } from '../real/free-port.js'
import { until, within } from '../real/deadline.js'
import { controlled } from './controlling.js'
import type { Asked, Controlled } from './controlling.js'
import { definePlugin } from 'wiretape'
import type { JournalEntry, OpenConnection } from 'wiretape'
import { latency } from 'wiretape/faults'
import { taping } from '../real/relaying.js'

const at = '/wiretape/v1'

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
function read<T>({ text }: Asked): T {
  return JSON.parse(text) as T
}

interface Relay { readonly name: string, readonly port: number, readonly enabled: boolean, readonly target: string, readonly open: number, readonly bytesUp: number }

interface Fault { readonly id: number, readonly name: string, readonly options: unknown, readonly on: string | null }

test('it tells what there is', async (t) => {
  const { ask } = await controlled(t)
  for (const path of [at, `${at}/`]) {
    const { status, type, text } = await ask('GET', path)
    t.deepEqual([status, type], [200, 'application/json'])
    t.true((JSON.parse(text) as { routes: string[] }).routes.includes(`GET ${at}/relays`))
  }
  t.deepEqual(await ask('GET', `${at}/seed`), { status: 200, type: 'application/json', text: '{"seed":7}\n' })
})

test('relays of every protocol are added, moved, switched off and on, and removed', async (t) => {
  const { ask, relay } = await controlled(t)
  const echo = await echoServer(t)
  for (const protocol of ['http', 'tcp', 'ftp', 'udp']) {
    const added = read<Relay>(await ask('POST', `${at}/relays`, { protocol, listen: await freePort(), target: `127.0.0.1:${echo}` }))
    t.is(added.name, `${protocol}-${added.port}`)
    t.like(added, { protocol, enabled: true, open: 0, connections: 0, bytesUp: 0, bytesDown: 0, sent: { up: 0, down: 0 } })
    t.deepEqual(read<Relay>(await ask('GET', `${at}/relays/${added.name}`)), added)
    t.false(read<Relay>(await ask('PATCH', `${at}/relays/${added.name}`, { enabled: false })).enabled)
    t.like(read<Relay>(await ask('PATCH', `${at}/relays/${added.name}`, { enabled: true })), { enabled: true, port: added.port })
    const port = await freePort()
    t.like(read<Relay>(await ask('PATCH', `${at}/relays/${added.name}`, { listen: port })), { enabled: true, port, name: added.name })
  }
  t.is(read<Relay[]>(await ask('GET', `${at}/relays`)).length, 4)
  const tcp = relay.listeners[1]!
  const peer = await connectTo(t, tcp.port)
  t.is((await peer.write('x').take(1)).toString(), 'x')
  t.like(read<Relay>(await ask('GET', `${at}/relays/${tcp.name}`)), { open: 1, bytesUp: 1 })
  const server = await peerServer(t)
  t.is(read<Relay>(await ask('PATCH', `${at}/relays/${tcp.name}`, { target: `127.0.0.1:${server.port}` })).target, `127.0.0.1:${server.port}`)
  await peer.over()
  const moved = await connectTo(t, tcp.port)
  moved.write('y')
  t.is((await (await server.next()).take(1)).toString(), 'y')
  t.is((await ask('DELETE', `${at}/relays/${tcp.name}`)).status, 204)
  await moved.over()
  t.is((await ask('GET', `${at}/relays/${tcp.name}`)).status, 404)
  t.false((await ask('GET', '/proxies')).text.includes('udp'))
})

test('a relay made as a proxy, in Go\'s words, is changed here too', async (t) => {
  const { ask, relay } = await controlled(t)
  const echo = await echoServer(t)
  t.is((await ask('POST', '/proxies', { name: 'p', listen: ':0', upstream: `:${echo}`, enabled: false })).status, 201)
  t.is((await ask('PATCH', `${at}/relays/p`, { enabled: true })).status, 200)
  t.regex((await ask('GET', '/proxies/p')).text, new RegExp(`"upstream":":${echo}","enabled":true`))
  const peer = await connectTo(t, relay.port)
  t.is((await peer.write('x').take(1)).toString(), 'x')
})

test('a relay that can\'t be moved stays, with what is open', async (t) => {
  const { ask, relay } = await controlled(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  const { name, port } = relay.listeners[0]!
  const taken = (await serve(t, (socket) => socket.destroy())).port
  const peer = await connectTo(t, port)
  t.is((await peer.write('x').take(1)).toString(), 'x')
  const { status, text } = await ask('PATCH', `${at}/relays/${name}`, { listen: taken })
  t.is(status, 409)
  t.like(JSON.parse(text), { code: 'bind' })
  t.regex((await ask('PATCH', `${at}/relays/${name}`, { target: `localhost:${port}` })).text, /relays to itself.*"code":"usage"/)
  t.is((await peer.write('y').take(1)).toString(), 'y')
  t.is((await (await connectTo(t, port)).write('z').take(1)).toString(), 'z')
})

test('any plugin that ships is a fault here: on one relay or on all, changed and removed', async (t) => {
  const { ask, relay } = await controlled(t)
  const echo = await echoServer(t)
  await ask('POST', `${at}/relays`, { protocol: 'tcp', target: `127.0.0.1:${echo}`, name: 'echo' })
  const fault = read<Fault>(await ask('POST', `${at}/faults`, { plugin: 'corrupt', options: { share: 1 }, on: 'echo', name: 'noise' }))
  t.like(fault, { id: 1, name: 'noise', plugin: 'corrupt', on: 'echo', toxic: false })
  const bytes = Buffer.alloc(10_000, 'a')
  const peer = await connectTo(t, relay.port)
  t.notDeepEqual(await peer.write(bytes).take(bytes.length), bytes)
  t.is((await ask('PATCH', `${at}/faults/1`, { options: { share: 0 } })).status, 200)
  t.deepEqual(read<Fault>(await ask('GET', `${at}/faults/1`)).options, { share: 0 })
  t.deepEqual(await peer.write(bytes).take(bytes.length), bytes)
  t.like(read<Fault>(await ask('POST', `${at}/faults`, { plugin: 'noop' })), { id: 2, on: null })
  t.is(read<Fault[]>(await ask('GET', `${at}/faults`)).length, 2)
  t.is((await ask('DELETE', `${at}/faults/1`)).status, 204)
  t.is((await ask('DELETE', `${at}/faults/1`)).status, 404)
  t.deepEqual(relay.faults.map(({ id }) => id), [2])
})

test('a fault of datagrams works at once', async (t) => {
  const { ask } = await controlled(t)
  const server = createSocket('udp4')
  t.teardown(() => server.close())
  server.on('message', (bytes, from) => server.send(bytes, from.port, from.address))
  await new Promise<void>((resolve) => { server.bind(0, '127.0.0.1', resolve) })
  const { port, name } = read<Relay>(await ask('POST', `${at}/relays`, { protocol: 'udp', target: `127.0.0.1:${server.address().port}` }))
  t.is((await ask('POST', `${at}/faults`, { plugin: 'delay', options: { ms: 200 }, on: name })).status, 201)
  const client = createSocket('udp4')
  t.teardown(() => client.close())
  const start = performance.now()
  const answer = within(new Promise<Buffer>((resolve) => client.once('message', resolve)), 'the answer')
  client.send('x', port, '127.0.0.1')
  t.is((await answer).toString(), 'x')
  t.true(performance.now() - start >= 199)
})

test('toxics are faults too, and those of one API do no harm to those of the other', async (t) => {
  const { ask } = await controlled(t)
  await ask('POST', '/proxies', { name: 'p', upstream: 'x:1' })
  await ask('POST', '/proxies/p/toxics', { type: 'latency', name: 'a b', attributes: { latency: 5 } })
  await ask('POST', `${at}/faults`, { plugin: 'noop', on: 'p' })
  t.like(read<Fault[]>(await ask('GET', `${at}/faults`)), [{ id: 1, name: 'a b', on: 'p', toxic: true, options: { ms: 5, jitter: 0, direction: 'down', share: 1 } }, { id: 2, toxic: false }])
  t.regex((await ask('PATCH', `${at}/faults/1`, { options: { ms: 9 } })).text, /\/proxies\/p\/toxics\/a%20b/)
  t.is(read<{ toxics: unknown[] }>(await ask('GET', '/proxies/p')).toxics.length, 1)
  t.is((await ask('DELETE', `${at}/faults/1`)).status, 204)
  t.deepEqual(read<{ toxics: unknown[] }>(await ask('GET', '/proxies/p')).toxics, [])
  await ask('POST', '/reset')
  t.like(read<Fault[]>(await ask('GET', `${at}/faults`)), [{ id: 2 }])
  await ask('DELETE', '/proxies/p')
  t.is((await ask('GET', `${at}/faults`)).text, '[]\n')
})

test('connections are listed, closed and reset', async (t) => {
  const { ask, relay } = await controlled(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  for (const [how, ending] of [['?how=reset', 'ECONNRESET'], ['', 'end'], ['?how=close', 'end']] as const) {
    const peer = await connectTo(t, relay.port)
    t.is((await peer.write('x').take(1)).toString(), 'x')
    const [open] = read<OpenConnection[]>(await ask('GET', `${at}/connections`))
    t.like(open, { protocol: 'tcp', relay: 0, bytesUp: 1, bytesDown: 1 })
    t.is((await ask('DELETE', `${at}/connections/${open!.id}${how}`)).status, 204)
    t.is(await peer.over(), ending)
    await until(() => relay.connections().length === 0, 'the connection to be gone')
    t.is((await ask('DELETE', `${at}/connections/${open!.id}`)).status, 404)
  }
  t.regex((await ask('DELETE', `${at}/connections/1?how=nicely`)).text, /expected close or reset/)
})

test('the journal, from where one has read to', async (t) => {
  const { ask, relay } = await controlled(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  t.deepEqual(read(await ask('GET', `${at}/journal`)), { entries: [], first: null, last: 0 })
  await ask('POST', `${at}/faults`, { plugin: 'limit-data', options: { bytes: 1, direction: 'down' }, name: 'short' })
  await (await connectTo(t, relay.port)).write('xy').over()
  const { entries, last } = read<{ entries: JournalEntry[], last: number }>(await ask('GET', `${at}/journal?after=0`))
  t.true(entries.some(({ fault, text }) => fault === 'short' && text.includes('closed the connection after 1 bytes')), JSON.stringify(entries))
  t.is(entries.at(-1)!.number, last)
  t.deepEqual(read(await ask('GET', `${at}/journal?after=${last}`)), { entries: [], first: 1, last })
})

test('a journal that has lost its oldest entries says so', async (t) => {
  const { ask, relay } = await controlled(t)
  const chatter = definePlugin({
    name: 'chatter', description: 'Tells a great deal.',
    setup: ({ tell }) => ({ connection: { open: () => { for (let n = 1; n <= 20_001; n++) tell(`number ${n}`) } } }),
  })
  await ask('POST', '/proxies', { name: 'p', upstream: `127.0.0.1:${await echoServer(t)}` })
  relay.inject(chatter)
  await (await connectTo(t, relay.port)).write('x').take(1)
  const { entries, first, last } = read<{ entries: JournalEntry[], first: number, last: number }>(await ask('GET', `${at}/journal?after=5`))
  t.deepEqual([entries.length, entries[0]!.number, first, last], [10_000, 10_002, 10_002, 20_001])
  t.is(entries[0]!.text, 'number 10002')
})

test('what is open has the time and the client by which a recording has it too', async (t) => {
  const { relay, recorded } = await taping(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: [latency({ direction: 'up' })] })
  const peer = await connectTo(t, relay.port)
  await peer.write('x').take(1)
  const [open] = relay.connections()
  const [entry] = relay.journal()
  const recording = await recorded()
  const [found] = [...recording.connections({ where: `client_port = ${open!.client!.port} AND client_host = '${open!.client!.host}'` })]
  const [event] = [...recording.events({ where: `kind = 'fault'` })]
  // µs on one clock: what is told of one moment is told within a few of the machine's.
  t.true(Math.abs(open!.opened - found!.opened) < 60e6 && Math.abs(entry!.time - event!.time) < 60e6)
})

test('plugins, with their options', async (t) => {
  const { ask } = await controlled(t)
  const all = read<{ name: string }[]>(await ask('GET', `${at}/plugins`))
  t.true(['latency', 'delay', 'block', 'reset-peer'].every((name) => all.some((plugin) => plugin.name === name)))
  t.like(read(await ask('GET', `${at}/plugins/latency`)), { name: 'latency', options: { ms: { type: 'number', default: 0, minimum: 0 } } })
})

const refusals: readonly [method: string, path: string, body: unknown, status: number, error: RegExp][] = [
  ['POST', '/faults', { plugin: './mine.js' }, 400, /only those that ship can be used from here, by their names, since a path or a package/],
  ['POST', '/faults', { plugin: '/etc/passwd' }, 400, /only those that ship/],
  ['POST', '/faults', { plugin: '../latency' }, 400, /only those that ship/],
  ['POST', '/faults', { plugin: '__proto__' }, 400, /only those that ship/],
  ['POST', '/faults', { plugin: 'map-local', options: { folder: '/' } }, 400, /could read any file/],
  ['POST', '/faults', { plugin: 'latensy' }, 400, /did you mean latency\?/],
  ['POST', '/faults', { plugin: 'latency', options: { m: 5 } }, 400, /it has no option m/],
  ['POST', '/faults', { plugin: 'latency', options: { ms: -5 } }, 400, /option ms: expected a number of 0 or more, not -5/],
  ['POST', '/faults', { plugin: 'latency', options: [] }, 400, /options: expected an object/],
  ['POST', '/faults', { plugin: 'latency', on: 'x' }, 404, /there is no relay "x"; there are tcp-\d+/],
  ['POST', '/faults', {}, 400, /plugin is missing/],
  ['POST', '/faults', { plugin: 'latency', colour: 1 }, 400, /there is no field "colour"; there are plugin, options, on, name/],
  ['POST', '/faults', '[]', 400, /the body has to be an object/],
  ['POST', '/faults', '{"__proto__":{"plugin":"latency"}}', 400, /there is no field "__proto__"/],
  ['PATCH', '/faults/1', {}, 404, /there is no fault "1"/],
  ['POST', '/relays', { protocol: 'smtp', target: 'x:1' }, 400, /expected one of http, tcp, ftp, udp/],
  ['POST', '/relays', { protocol: 'tcp' }, 400, /target is missing/],
  ['POST', '/relays', { protocol: 'tcp', target: 'x' }, 400, /TARGET .*is not host:port/],
  ['POST', '/relays', { protocol: 'tcp', target: 'x:1', listen: '1:2:3' }, 400, /LISTEN/],
  ['POST', '/relays', { protocol: 'tcp', target: 'x:1', listen: '192.0.2.1:4000' }, 409, /this machine has no such address/],
  ['POST', '/relays', { protocol: 'tcp', target: 'x:1', listen: 'nowhere.invalid:0' }, 409, /no such host|timeout/],
  ['PATCH', '/relays/x', {}, 404, /there is no relay "x"/],
  ['GET', '/nothing', undefined, 404, /GET \/wiretape\/v1 tells what there is/],
  ['PUT', '/relays', {}, 405, /GET, POST/],
  ['GET', '/journal?after=x', undefined, 400, /expected the number of an entry/],
  ['GET', '/plugins/nothing', undefined, 404, /only those that ship/],
  ['DELETE', '/connections/x', undefined, 404, /there is no connection "x"/],
]

test('what is wrong is said, and nothing is changed', async (t) => {
  const { ask, relay }: Controlled = await controlled(t, { tcp: `0=127.0.0.1:${await echoServer(t)}` })
  for (const [method, path, body, status, error] of refusals) {
    const answer = await ask(method, `${at}${path}`, body)
    const { error: told, code } = JSON.parse(answer.text) as { error: string, code: string }
    t.deepEqual([answer.status, answer.type], [status, 'application/json'], `${method} ${path} ${JSON.stringify(body)}: ${answer.text}`)
    t.regex(told, error)
    t.true(['usage', 'not-found', 'bind', 'exists'].includes(code), code)
  }
  t.is(relay.listeners.length, 1)
  t.deepEqual(relay.faults, [])
  t.like(JSON.parse((await ask('POST', `${at}/relays`, { protocol: 'tcp', target: 'x:1', name: relay.listeners[0]!.name })).text), { code: 'exists' })
})
