import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import test from 'ava'
import { until } from '../real/deadline.js'
import { connectTo, peerServer } from '../real/peer.js'
import { Lines, script, start } from '../real/program.js'
import { opening, textOf } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

/** What a crash may cost, in ms: far more than the time between two commits, for machines that are busy. */
const lastMoments = 10_000

test('after kill -9 under load the file opens, is sound, and lacks only the last moments', async (t) => {
  const server = await peerServer(t)
  const path = join(temporaryFolder(t), 'x.sqlite')
  const relay = start(t, process.execPath, [
    script(import.meta.url, './children/http-recorder.js'), `http://127.0.0.1:${server.port}`, path,
  ])
  const port = Number((await new Lines(relay.stdout).next(/^port: (\d+)$/))[1])

  // A connection that stays open, in the middle of a response, has to be in the file too.
  const idle = await connectTo(t, port)
  idle.write('GET /half HTTP/1.1\r\nHost: h\r\n\r\n')
  const half = await server.next()
  await half.through('\r\n\r\n')
  half.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')


  const answered: { path: string, at: number }[] = []
  let over = false
  const load = Array.from({ length: 8 }, async (_, lane) => {
    const client = await connectTo(t, port)
    const served = await server.next()
    for (let n = 0; !over; n++) {
      const path = `/${lane}/${n}`
      client.write(`POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n${'u'.repeat(1000)}`)
      // Which client's connection this is doesn't matter: each gets its own path back.
      const request = await served.through('u'.repeat(1000))
      const asked = /^POST (\S+)/.exec(request)![1]!
      served.write(`HTTP/1.1 200 OK\r\nContent-Length: ${asked.length}\r\n\r\n${asked}`)
      await client.through('\r\n\r\n')
      answered.push({ path: asked, at: Date.now() })
      await sleep(5)
    }
  })
  await until(() => answered.length > 200, 'exchanges')
  await sleep(lastMoments + 500)
  const killedAt = Date.now()
  relay.kill('SIGKILL')
  await once(relay, 'exit')
  over = true
  await Promise.allSettled(load)
  t.true(existsSync(`${path}-wal`), 'it was killed, not stopped')

  const recording = opening(t, path)
  t.is(recording.facts()['finished'], undefined)
  const due = answered.filter(({ at }) => at < killedAt - lastMoments).map((answer) => answer.path)
  t.true(due.length > 100, `${due.length} exchanges had been answered`)
  const recorded = new Map([...recording.exchanges({ where: 'status = 200' })].map((exchange) => [exchange.path, exchange]))
  t.deepEqual(due.filter((path) => !recorded.has(path)), [])
  for (const path of due.slice(-20)) {
    const exchange = recorded.get(path)!
    t.is(exchange.error, null)
    t.is(await textOf(recording.body(exchange.id, 'request')), 'u'.repeat(1000))
    t.is(await textOf(recording.body(exchange.id, 'response')), path)
  }
  const open = recorded.get('/half')
  t.is(open?.ended, null)
  t.is(await textOf(recording.body(open!.id, 'response')), 'half')
  recording.close()

  const database = new Sqlite(path)
  t.teardown(() => database.close())
  t.is(database.pragma('integrity_check', { simple: true }), 'ok')
  t.is(database.prepare('SELECT count(*) FROM segment WHERE connection_id NOT IN (SELECT id FROM connection)').pluck().get(), 0)
})
