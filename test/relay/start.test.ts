import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { startRelay, WiretapeError } from 'wiretape'
import type { RelayOptions } from 'wiretape'
import { connectTo, echoServer } from '../real/peer.js'
import { freePort } from '../real/free-port.js'
import { relaying } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

async function refusal(options: RelayOptions): Promise<WiretapeError> {
  let relay
  try {
    relay = await startRelay(options)
  } catch (thrown) {
    if (thrown instanceof WiretapeError) return thrown
    throw thrown
  }
  await relay.stop({ grace: 0 })
  throw new Error(`started with ${JSON.stringify(options)}`)
}

test('a taken port is an error that names it, and the listeners before it are given back', async (t) => {
  const target = await echoServer(t)
  const other = await relaying(t, { tcp: `0=127.0.0.1:${target}` })
  const free = await freePort()
  const error = await refusal({ tcp: [`${free}=127.0.0.1:${target}`, `${other.port}=127.0.0.1:${target}`] })
  t.is(error.code, 'bind')
  t.true(error.message.includes(`127.0.0.1:${other.port}`), error.message)
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(free, '127.0.0.1', resolve))
  server.close()
})

const wrong: readonly [RelayOptions, RegExp][] = [
  [{}, /nothing to relay/],
  [{ tcp: [] }, /nothing to relay/],
  [{ tcp: '8080' }, /--tcp 8080: expected LISTEN=TARGET/],
  [{ tcp: '=127.0.0.1:80' }, /--tcp =127.0.0.1:80: LISTEN ""/],
  [{ tcp: '70000=127.0.0.1:80' }, /LISTEN "70000"/],
  [{ tcp: '127.0.0.1:99999=127.0.0.1:80' }, /LISTEN "127.0.0.1:99999"/],
  [{ tcp: 'abc=127.0.0.1:80' }, /LISTEN "abc"/],
  [{ tcp: '-1=127.0.0.1:80' }, /LISTEN "-1"/],
  [{ tcp: '[::zz]:0=127.0.0.1:80' }, /LISTEN "\[::zz\]:0"/],
  [{ tcp: '0=' }, /TARGET ""/],
  [{ tcp: '0=127.0.0.1' }, /TARGET "127.0.0.1"/],
  [{ tcp: '0=127.0.0.1:0' }, /TARGET "127.0.0.1:0"/],
  [{ tcp: '0=127.0.0.1:65536' }, /TARGET "127.0.0.1:65536"/],
  [{ tcp: '0=http://127.0.0.1:80' }, /TARGET "http:\/\/127.0.0.1:80"/],
  [{ tcp: '0=::1:80' }, /TARGET "::1:80"/],
  [{ http: '0=ftp://127.0.0.1' }, /--http .*scheme ftp/],
  [{ http: '0=http://127.0.0.1/path' }, /has a path/],
  [{ http: '0=http://me:secret@127.0.0.1/' }, /user or password/],
  [{ http: '0=http://' }, /TARGET "http:\/\/"/],
  [{ http: '0=nonsense' }, /TARGET "nonsense"/],
  [{ tcp: '0=127.0.0.1:80', grace: -1 }, /--grace -1/],
  [{ tcp: '0=127.0.0.1:80', connectTimeout: Number.NaN }, /--connect-timeout NaN/],
  [{ tcp: '0=127.0.0.1:80', idleTimeout: 2 ** 40 }, /--idle-timeout \d+/],
]

for (const [options, message] of wrong) {
  test(`${JSON.stringify(options)} is refused before anything is opened`, async (t) => {
    const path = join(temporaryFolder(t), 'sub', 'never.sqlite')
    const error = await refusal({ ...options, record: path })
    t.is(error.code, 'usage')
    t.regex(error.message, message)
    t.false(error.message.includes('\n'))
    t.false(existsSync(path))
  })
}

for (const [listen, target] of [
  ['127.0.0.1', '127.0.0.1'], ['127.0.0.1', 'localhost'], ['0.0.0.0', '127.0.0.1'], ['[::]', '127.0.0.1'], ['[::1]', '[::1]'],
] as const) {
  test(`a relay on ${listen} whose target ${target} leads back to it is refused`, async (t) => {
    const port = await freePort()
    const error = await refusal({ tcp: `${listen}:${port}=${target}:${port}` })
    t.is(error.code, 'usage')
    t.regex(error.message, /relays to itself/)
  })
}

test('a relay on every address whose target is an address of this machine is refused', async (t) => {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).find(({ family, internal }) => family === 'IPv4' && !internal)
  if (own === undefined) {
    t.pass('this machine has no address but loopback')
    return
  }
  const port = await freePort()
  for (const protocol of ['tcp', 'udp']) t.regex((await refusal({ [protocol]: `0.0.0.0:${port}=${own.address}:${port}` })).message, /relays to itself/)
})

test('two relays that lead to each other are refused, a chain to a server is not', async (t) => {
  const target = await echoServer(t)
  const a = await freePort()
  let b = await freePort()
  while (b === a) b = await freePort()
  const error = await refusal({ tcp: `${a}=127.0.0.1:${b}`, http: `${b}=http://127.0.0.1:${a}` })
  t.is(error.code, 'usage')
  const chain = await relaying(t, { tcp: [`${a}=127.0.0.1:${b}`, `${b}=127.0.0.1:${target}`] })
  const client = await connectTo(t, chain.listeners[0]!.port)
  t.is((await client.write('through two').take(11)).toString(), 'through two')
})

test('a listener is told by the URL that a client is to be given', async (t) => {
  const target = await echoServer(t)
  const relay = await relaying(t, { http: `[::1]:0=http://127.0.0.1:${target}`, tcp: `0=127.0.0.1:${target}` })
  const [http, tcp] = relay.listeners
  t.is(http!.url, `http://[::1]:${http!.port}`)
  t.is(http!.target, `http://127.0.0.1:${target}`)
  t.is(tcp!.url, `127.0.0.1:${tcp!.port}`)
  t.is(tcp!.host, '127.0.0.1')
  t.is(relay.path, null)
  t.is(relay.failure, null)
})
