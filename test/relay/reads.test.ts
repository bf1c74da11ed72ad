import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, Socket } from 'node:net'
import type { AddressInfo, NetConnectOpts } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { BufferedReads, readBuffered, readsOf } from '../../src/relay/reads.js'
import { within } from '../real/deadline.js'

const sent = randomBytes(3_000_000)

/** The digest of what arrives where reading is stopped after each read for a moment. @param buffered as the relay reads, or as Node does. */
async function received(buffered: boolean): Promise<{ readonly digest: string, readonly mostAtOnce: number }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, highWaterMark: 1 }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.end(sent)
  client.resume()
  const [accepted] = await once(server, 'connection') as [Socket]
  const socket = buffered ? readBuffered(accepted) : accepted
  const reads = readsOf(socket)
  const hash = createHash('sha256')
  let mostAtOnce = 0
  let stopped = false
  reads.to((bytes) => {
    if (stopped) throw new Error('it was read on although reading had been stopped')
    hash.update(bytes)
    mostAtOnce = Math.max(mostAtOnce, bytes.length)
    stopped = true
    void sleep(1).then(() => {
      stopped = false
      socket.resume()
    })
    return false
  })
  socket.resume()
  await within(once(socket, 'end'), 'the end of what was sent')
  socket.end()
  await within(once(socket, 'close'), 'the socket to close')
  const { reused } = reads
  reads.release()
  if (reused !== buffered) throw new Error(`its reads ${reused ? 'have no' : 'have'} memory of their own`)
  // Also where the socket was replaced: its server isn't left waiting for it.
  server.close()
  await within(once(server, 'close'), 'the server to close')
  return { digest: hash.digest('hex'), mostAtOnce }
}

const whole = createHash('sha256').update(sent).digest('hex')

test('an accepted socket reads into one large buffer, and stops where it is told to', async (t) => {
  const { digest, mostAtOnce } = await received(true)
  t.is(digest, whole)
  t.true(mostAtOnce > 64 * 1024, `at most ${mostAtOnce} bytes a read`)
})

test('a socket that gives events is read the same way', async (t) => {
  const { digest } = await received(false)
  t.is(digest, whole)
})

test('whoever takes the reads over gets all that comes from then on', async (t) => {
  const server = createServer({ pauseOnConnect: true, highWaterMark: 1 }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  for (const buffered of [true, false]) {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [accepted] = await once(server, 'connection') as [Socket]
    const socket = buffered ? readBuffered(accepted) : accepted
    const heard = { first: '', second: '' }
    const reads = readsOf(socket)
    reads.to((bytes) => {
      heard.first += bytes.toString()
      readsOf(socket).to((more) => {
        heard.second += more.toString()
        return true
      })
      return true
    })
    socket.resume()
    client.write('one')
    while (heard.first === '') await sleep(1)
    client.write('two')
    while (heard.second === '') await sleep(1)
    t.deepEqual(heard, { first: 'one', second: 'two' })
    client.destroy()
    socket.destroy()
  }
  server.close()
})

test('a socket whose handle Node keeps to itself is left as it is', (t) => {
  const socket = new Socket()
  t.is(readBuffered(socket), socket)
  t.false(readsOf(socket).reused)
})

test('what is kept isn\'t read over until it is let go', async (t) => {
  const server = createServer({ pauseOnConnect: true, highWaterMark: 1 }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true })
  const [accepted] = await once(server, 'connection') as [Socket]
  const socket = readBuffered(accepted)
  const reads = readsOf(socket)
  const got: Buffer[] = []
  reads.to((bytes) => {
    got.push(bytes)
    if (got.length <= 2) reads.keep()
    return true
  })
  socket.resume()
  const say = async (text: string): Promise<void> => {
    const before = got.length
    client.write(text)
    while (got.length === before) await sleep(1)
  }
  await say('one ')
  await say('two ')
  await say('three')
  await say('four!')
  t.deepEqual(got.slice(0, 2).map(String), ['one ', 'two '])
  t.deepEqual(got.slice(2).map(String), ['four!', 'four!'])
  reads.letGo()
  await say('five!')
  t.deepEqual(got.slice(2).map(String), ['five!', 'five!', 'five!'])
  client.destroy()
  socket.destroy()
  server.close()
})

test('a name of two addresses, the first of which refuses: what the second sends arrives as it is', async (t) => {
  const server = createServer((socket) => socket.end(sent)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reads = new BufferedReads()
  const hash = createHash('sha256')
  reads.to((bytes) => {
    hash.update(bytes)
    return true
  })
  const addresses = [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }]
  const socket = connect({
    host: 'two.example', port: (server.address() as AddressInfo).port, autoSelectFamily: true, onread: reads.onread,
    lookup: (_name, _options, found) => found(null, addresses),
  } as NetConnectOpts)
  await within(once(socket, 'end'), 'the end of what was sent')
  t.is(hash.digest('hex'), whole)
  server.close()
})
