import test from 'ava'
import { Client } from 'basic-ftp'
import { parseJson } from '../../src/control/json-text.js'
import { Proxies } from '../../src/control/toxiproxy/proxies.js'
import { Toxics } from '../../src/control/toxiproxy/toxics.js'
import { Turns } from '../../src/control/turns.js'
import { httpOrigin } from '../real/http-origin.js'
import { echoServer } from '../real/peer.js'
import { run } from '../real/program.js'
import { ftpSrv } from '../real/ftp/ftp-srv.js'
import { relaying } from '../real/relaying.js'
import { controlled, timed } from './controlling.js'

test('HTTP, FTP and TCP relays of the command line are proxies, and UDP relays are not', async (t) => {
  const echo = await echoServer(t)
  const { ask, relay } = await controlled(t, { http: [`0=http://127.0.0.1:${echo}`, `0=https://127.0.0.1:${echo}`], ftp: `0=127.0.0.1:${echo}`, tcp: `0=localhost:${echo}`, udp: `0=127.0.0.1:${echo}` })
  const proxies = Object.values(JSON.parse((await ask('GET', '/proxies')).text) as Record<string, { name: string, listen: string, upstream: string }>)
  t.deepEqual(proxies.map(({ listen }) => listen).toSorted(), relay.listeners.filter(({ protocol }) => protocol !== 'udp').map(({ port }) => `127.0.0.1:${port}`).toSorted())
  t.deepEqual(proxies.map(({ upstream }) => upstream).toSorted(), [...Array.from({ length: 3 }, () => `127.0.0.1:${echo}`), `localhost:${echo}`])
  const udp = relay.listeners.find(({ protocol }) => protocol === 'udp')!
  t.is((await ask('GET', `/proxies/${udp.name}`)).status, 404)
  t.is((await ask('POST', '/proxies', { name: udp.name, upstream: 'x:1' })).status, 409)
})

test('toxics work on HTTP, whatever else is read there, and an HTTP relay that leads elsewhere stays one', async (t) => {
  const { target, port } = await httpOrigin(t, (_, response) => response.end('first'))
  const second = await httpOrigin(t, (_, response) => response.end('second'))
  const { ask, relay } = await controlled(t, { http: target, plugins: ['set-header:name=x-one,value=1,on=response'] })
  const [{ name, url }] = [relay.listeners[0]!]
  const get = async (): Promise<string> => {
    const { stdout } = await run(t, 'curl', ['-s', '-i', url])
    return stdout.toString()
  }
  t.is((await ask('POST', `/proxies/${name}/toxics`, { type: 'latency', stream: 'upstream', attributes: { latency: 200 } })).status, 200)
  t.true(await timed(get()) >= 199)
  t.is((await ask('POST', `/proxies/${name}`, { upstream: `127.0.0.1:${second.port}` })).status, 200)
  t.is(relay.listeners[0]!.target, `http://127.0.0.1:${second.port}`)
  t.regex(await get(), /x-one: 1[^]*second$/i)
  await ask('POST', `/proxies/${name}`, { upstream: `127.0.0.1:${port}`, enabled: false })
  await ask('POST', '/reset')
  t.regex(await get(), /x-one: 1[^]*first$/i)
})

test('toxics work on FTP, on its data connections too', async (t) => {
  const server = await ftpSrv.start(t)
  const { ask, relay } = await controlled(t, { ftp: `0=127.0.0.1:${server.port}` })
  const [{ name }] = [relay.listeners[0]!]
  await ask('POST', `/proxies/${name}/toxics`, { type: 'bandwidth', attributes: { rate: 100 } })
  await ask('POST', `/proxies/${name}/toxics`, { type: 'latency', stream: 'upstream', attributes: { latency: 30 } })
  const client = new Client()
  t.teardown(() => client.close())
  t.true(await timed(client.access({ host: '127.0.0.1', port: relay.port, user: server.user, password: server.password })) >= 60)
  await client.list()
  t.true(relay.journal().some(({ protocol, fault }) => protocol === 'ftp' && fault === 'latency_upstream'))
  await ask('DELETE', `/proxies/${name}/toxics/latency_upstream`)
  client.close()
  t.true(relay.journal().some(({ protocol, fault }) => protocol === 'ftp-data' && fault === 'bandwidth_downstream'), JSON.stringify(relay.journal()))
})

test('two calls at once that change different things of a proxy both hold', async (t) => {
  const relay = await relaying(t, { tcp: '0=127.0.0.1:1' })
  const proxies = new Proxies(relay, new Toxics(relay, new Map()), new Turns())
  const listener = relay.listeners[0]!
  const { port } = listener
  const update = (text: string): Promise<void> => proxies.update(listener, parseJson(Buffer.from(text)))
  await Promise.all([update('{"listen":"127.0.0.1:0"}'), update('{"upstream":"127.0.0.1:2"}')])
  t.not(listener.port, port)
  t.is(listener.target, '127.0.0.1:2')
})
