import { Agent, request } from 'node:http'
import { connect } from 'node:net'

/** A visit to the shop over one kept-alive connection. */
export async function visitShop(url: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = (method: string, path: string, body?: unknown): Promise<void> => new Promise((resolve, reject) => {
    const headers = { 'Accept-Encoding': 'gzip', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) }
    request(url + path, { agent, method, headers }, (response) => response.resume().on('end', resolve).on('error', reject))
      .on('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
  })
  await ask('GET', '/books')
  await ask('POST', '/orders', { book: 2, copies: 1 })
  await ask('GET', '/slow')
  await ask('GET', '/nowhere?from=demo')
  agent.destroy()
}

/** Says two lines to an echo server, closes its own side, and waits for the end. */
export async function talkToEcho(host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true })
    let heard = 0
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.length
      if (heard === 6) socket.end('echo\n')
    })
    socket.on('end', resolve).on('error', reject)
    socket.write('hello\n')
  })
}
