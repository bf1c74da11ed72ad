import { createHash } from 'node:crypto'
import { Readable, Writable } from 'node:stream'
import { Client } from 'basic-ftp'

/*
 * Many sessions at once: all log in, and when the last has, all transfer at the same time; of two, one fetches and one stores.
 * Arguments: port, sessions, bytes of each transfer. The files fetched have the names `0.bin`, `2.bin` …, those stored
 * `1.bin`, `3.bin` …. Prints `{"hashes", "commands"}`: what was sent or came, by name, and commands sent by all.
 */

const patience = 60_000

/** vsftpd lets 32 connections wait to be accepted, and some systems forget the others without telling the client. */
const loginsAtOnce = 16

const [port, count, size] = process.argv.slice(2).map(Number) as [number, number, number]
let commands = 0
const hashes: Record<string, string> = {}

const last: string[] = []

const clients = Array.from({ length: count }, (_, n) => {
  const client = new Client(patience)
  client.ftp.verbose = true
  client.ftp.log = (message) => {
    if (message.startsWith('> ')) commands++
    // A client that gives up sends this: it would hide where.
    if (message !== '> QUIT') last[n] = message.trimEnd()
  }
  return client
})
for (let n = 0; n < count; n += loginsAtOnce) await together((client) => client.access({ host: '127.0.0.1', port }), n, n + loginsAtOnce)
await together((client, n) => n % 2 === 0 ? fetch(client, `${n}.bin`) : store(client, `${n}.bin`, n))
for (const client of clients) client.close()
process.stdout.write(`${JSON.stringify({ hashes, commands })}\n`)

/** Waits for all, also where some fail: which ones, and at what, is what one wants to know. */
async function together(act: (client: Client, n: number) => Promise<unknown>, from = 0, to = count): Promise<void> {
  const ends = await Promise.allSettled(clients.slice(from, to).map((client, n) => act(client, from + n)))
  const failed = ends.flatMap((end, n) => end.status === 'rejected' ? [`session ${from + n} after "${last[from + n]}": ${String(end.reason)}`] : [])
  if (failed.length === 0) return
  process.stderr.write(`${failed.length} of ${count} sessions failed; ${failed.slice(0, 3).join('; ')}\n`)
  process.exit(1)
}

async function fetch(client: Client, name: string): Promise<void> {
  const hash = createHash('sha256')
  await client.downloadTo(new Writable({
    write(bytes: Buffer, _encoding, done) {
      hash.update(bytes)
      done()
    },
  }), name)
  hashes[name] = hash.digest('hex')
}

async function store(client: Client, name: string, n: number): Promise<void> {
  const bytes = Buffer.alloc(size, `session ${n} stores this, `)
  hashes[name] = createHash('sha256').update(bytes).digest('hex')
  await client.uploadFrom(Readable.from([bytes]), name)
}
