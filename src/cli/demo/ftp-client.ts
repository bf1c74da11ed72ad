import { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, FTPError } from 'basic-ftp'

/** A visit to the shop's files: looks around, gets one, brings one, and brings one that is too large. */
export async function fetchFiles(host: string, port: number): Promise<void> {
  const client = new Client()
  try {
    await client.access({ host, port, user: 'shop', password: 'secret' })
    await client.pwd()
    await client.list()
    await client.downloadTo(new Writable({ write: (_chunk, _encoding, done) => done() }), 'catalogue.csv')
    await client.uploadFrom(Readable.from([Buffer.from('book 2, one copy\n')]), 'order.txt')
    await sleep(120)
    await refused(client.uploadFrom(Readable.from([Buffer.alloc(80_000, 'x')]), 'too-large.bin'))
  } finally {
    client.close()
  }
}

/** The server's no is part of the visit. */
async function refused(asked: Promise<unknown>): Promise<void> {
  try {
    await asked
  } catch (thrown) {
    if (!(thrown instanceof FTPError)) throw thrown
  }
}
