import { mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { freePort } from '../real/free-port.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import { echoServer } from '../real/peer.js'
import { run } from '../real/program.js'
import { temporaryFolder } from '../real/temporary-folder.js'

/*
 * The three tests of the README, as they stand there but for the ports, in a project of their own with servers that are real.
 */

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** What is tested there: clients as people write them. */
const app = `
import { connect } from 'node:net'
import { statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { Client } from 'basic-ftp'

export const query = (text) => new Promise((resolve, reject) => {
  const socket = connect(DATABASE, '127.0.0.1', () => socket.write(text))
  socket.setTimeout(2500, () => { socket.destroy(); reject(new Error('the query timed out')) })
  socket.once('data', (bytes) => { socket.destroy(); resolve(bytes.toString()) })
  socket.once('error', reject)
})

export const books = async () => {
  try {
    return await (await fetch('http://127.0.0.1:WEB/books')).json()
  } catch (error) {
    throw new Error(error.cause?.code === 'ECONNRESET' ? 'the bookshop hung up' : String(error.cause ?? error))
  }
}

const file = Buffer.alloc(1_000_000, 'photo ')
export const uploaded = () => { try { return statSync(STORED).size } catch { return 0 } }
export const upload = async () => {
  const client = new Client(60_000)
  try {
    await client.access({ host: '127.0.0.1', port: FTP, user: 'tester', password: 'secret' })
    const there = uploaded()
    const rest = Readable.from([file.subarray(there)])
    await (there > 0 ? client.appendFrom(rest, 'photo.raw') : client.uploadFrom(rest, 'photo.raw'))
  } finally {
    client.close()
  }
}
`

const when = pyftpdlib.available ? test : test.skip

when('pyftpdlib: the README\'s three tests pass: a slow database, a server that resets, an upload that dies half-way', async (t) => {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  const code = /```js\n\/\/ faults\.test\.js\n(.*?)```/s.exec(text)![1]!
  const web = createServer((_, response) => response.end('[1,2]'))
  web.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => { web.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => {
    web.closeAllConnections()
    web.close()
  })
  const ftp = await pyftpdlib.start(t)
  const [database, books, files] = [await freePort(), await freePort(), await freePort()]
  const replaced: [string, string][] = [
    ['15432=127.0.0.1:5432', `${database}=127.0.0.1:${await echoServer(t)}`],
    ['8080=http://127.0.0.1:3000', `${books}=http://127.0.0.1:${(web.address() as AddressInfo).port}`],
    ['2121=127.0.0.1:21', `${files}=127.0.0.1:${ftp.port}`],
  ]
  for (const [word] of replaced) t.true(code.includes(word), word)
  const folder = realpathSync(temporaryFolder(t))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'wiretape'))
  for (const name of ['ava', 'basic-ftp']) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'faults.test.js'), replaced.reduce((all, [from, to]) => all.replace(from, to), code))
  writeFileSync(join(folder, 'app.js'), app.replace('DATABASE', String(database)).replace('WEB', String(books)).replace('FTP', String(files)).replace('STORED', JSON.stringify(join(ftp.folder, 'photo.raw'))))
  const { code: exit, stdout, stderr } = await run(t, 'sh', ['-c', 'cd "$1" && exec "$2" "$3" --tap --timeout 2m', 'sh', folder, process.execPath, join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')])
  t.is(exit, 0, stdout.toString() + stderr)
  t.regex(stdout.toString(), /# pass 3/)
})
