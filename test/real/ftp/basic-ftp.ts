import { Readable, Writable } from 'node:stream'
import { Client, enterPassiveModeIPv4, enterPassiveModeIPv6 } from 'basic-ftp'
import type { FtpClient, Place } from './client.js'

async function session<T>({ host, port, user, password, form }: Place, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(60_000)
  try {
    await client.access({ host, port, user, password })
    client.prepareTransfer = form === 'PASV' ? enterPassiveModeIPv4 : enterPassiveModeIPv6
    await client.pwd()
    return await work(client)
  } finally {
    client.close()
  }
}

async function fetched(client: Client, name: string, from: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  await client.downloadTo(new Writable({
    write: (bytes: Buffer, _encoding, done) => {
      pieces.push(bytes)
      done()
    },
  }), name, from)
  return Buffer.concat(pieces)
}

/** It knows passive mode alone. */
export const basicFtpClient: FtpClient = {
  name: 'basic-ftp',
  available: true,
  forms: { 4: ['PASV', 'EPSV'], 6: ['EPSV'] },
  appendsBy: 'APPE',
  download: (_t, place, name) => session(place, (client) => fetched(client, name, 0)),
  resume: async (_t, place, name, had) => Buffer.concat([had, await session(place, (client) => fetched(client, name, had.length))]),
  upload: async (_t, place, name, bytes) => void await session(place, (client) => client.uploadFrom(Readable.from([bytes]), name)),
  append: async (_t, place, name, bytes) => void await session(place, (client) => client.appendFrom(Readable.from([bytes]), name)),
  list: async (_t, place) => (await session(place, (client) => client.list())).map(({ name }) => name),
}
