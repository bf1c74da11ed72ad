import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { importCapture, sendRecording } from 'wiretape'
import { wiretape } from '../cli/wiretape.js'
import { dnsServer, question } from '../real/dns-server.js'
import { datagramPeer } from '../real/datagram-peer.js'
import { ftplibClient } from '../real/ftp/ftplib.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import { httpOrigin } from '../real/http-origin.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { serving } from '../replay/served.js'
import { canCapture, capturing } from './capturing.js'
import type { Capturing } from './capturing.js'
import { exported, exportedHar } from './exported.js'

/* What was captured between a client and its server, without a relay, and imported: every command takes it. */

const withCurl = canCapture && installed('curl') ? test.serial : test.serial.skip
const withFtp = canCapture && pyftpdlib.available && ftplibClient.available ? test.serial : test.serial.skip

async function imported(t: ExecutionContext, dump: Capturing): Promise<string> {
  const { path, complete } = await importCapture(await dump.stopped(), { path: join(temporaryFolder(t), 'imported.sqlite') })
  t.true(complete)
  return path
}

/** Asks the server again what it was asked. @returns how many answers were the same, and what was different. */
async function sent(t: ExecutionContext, path: string, to: string, password?: string): Promise<[number, string[]]> {
  const { comparison } = await sendRecording(path, { to, record: join(temporaryFolder(t), 'now.sqlite'), onProblem: (message) => t.log(message), ignore: ['text', 'header:date'], ...(password === undefined ? {} : { password }) })
  return [comparison.same, comparison.differences.map(({ asked, field, was, now }) => `${asked} ${field}: ${was} → ${now}`)]
}

withCurl('HTTP: ls, show, serve, send, har and curl', async (t) => {
  const body = randomBytes(100_000)
  const origin = await httpOrigin(t, (request, response) => request.url === '/body' ? response.end(body) : request.pipe(response))
  const dump = await capturing(t, `tcp port ${origin.port}`)
  const url = `http://127.0.0.1:${origin.port}`
  await run(t, 'curl', ['-s', `${url}/body`, '-o', '/dev/null', `${url}/none`, '-o', '/dev/null'])
  await run(t, 'curl', ['-s', '--data-binary', 'some', `${url}/echo`])
  const path = await imported(t, dump)
  const { stdout } = await wiretape(t, 'ls', path)
  t.regex(stdout.toString(), /GET \/body → 200[^]*GET \/none → 200[^]*POST \/echo → 200/)
  t.is((await wiretape(t, 'show', path, '2')).code, 0)
  const stand = await serving(t, path, { http: 0 })
  const again = await run(t, 'curl', ['-s', `http://127.0.0.1:${stand.port}/body`])
  t.true(again.stdout.equals(body))
  t.deepEqual(await sent(t, path, url), [3, []])
  t.is((await exportedHar(path)).log.entries.length, 3)
  t.regex((await exported(path, { format: 'curl' })).toString(), new RegExp(`^curl -sS --http1.1 ${url}/body`, 'm'))
})

for (const form of ['PASV', 'PORT'] as const) {
  withFtp(`FTP by ${form}: ftp, serve and send`, async (t) => {
    const server = await pyftpdlib.start(t, '127.83.46.23')
    const content = randomBytes(150_000)
    writeFileSync(join(server.folder, 'file'), content)
    const place = { host: server.host, port: server.port, user: server.user, password: server.password, form }
    const dump = await capturing(t, `host ${server.host}`)
    t.deepEqual(await ftplibClient.download(t, place, 'file'), content)
    const path = await imported(t, dump)
    const { stdout, code } = await wiretape(t, 'ftp', path)
    t.is(code, 0)
    t.regex(stdout.toString(), /RETR file[^]*↓ \/file[^]*150 kB/)
    t.deepEqual(await sent(t, path, `${server.host}:${server.port}`, server.password), [1, []])
    rmSync(join(server.folder, 'file'))
    const stand = await serving(t, path, { ftp: 0 })
    t.deepEqual(await ftplibClient.download(t, { ...place, host: '127.0.0.1', port: stand.port }, 'file'), content)
    t.deepEqual(stand.misses.map(({ text }) => text), [])
  })
}

withCurl('DNS: serve and send', async (t) => {
  const server = await dnsServer(t)
  const dump = await capturing(t, `udp port ${server.port}`)
  const client = await datagramPeer(t)
  await client.send(question(7, 'www.example'), server.port)
  const { bytes: answer } = await client.take()
  const path = await imported(t, dump)
  t.deepEqual(await sent(t, path, `127.0.0.1:${server.port}`), [1, []])
  const stand = await serving(t, path, { udp: 0 })
  await client.send(question(7, 'www.example'), stand.port)
  t.deepEqual((await client.take()).bytes, answer)
})
