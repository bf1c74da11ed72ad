import { createServer as createHttpServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { gzipSync } from 'node:zlib'

export interface Origin {
  readonly port: number
  close(): void
}

const catalogue = { books: [{ id: 1, title: 'Het wonderlijke draadje' }, { id: 2, title: 'A wire, a tape, a truth' }] }

/** A small shop: JSON (compressed where asked), a page in chunks, an order that is taken, and what isn't there. */
export async function startHttpOrigin(): Promise<Origin> {
  return listen(createHttpServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://origin')
    if (request.method === 'GET' && pathname === '/books') {
      const body = Buffer.from(JSON.stringify(catalogue))
      const zipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
      response.writeHead(200, { 'Content-Type': 'application/json', ...(zipped ? { 'Content-Encoding': 'gzip' } : {}) })
      response.end(zipped ? gzipSync(body) : body)
    } else if (request.method === 'GET' && pathname === '/slow') {
      response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' })
      response.write('first line at once\n')
      setTimeout(() => response.end('second line after 150 ms\n'), 150)
    } else if (request.method === 'POST' && pathname === '/orders') {
      request.resume().on('end', () => response.writeHead(201, { Location: '/orders/17' }).end())
    } else {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end(`no ${pathname} here\n`)
    }
  }))
}

/** Says back what it hears, and closes when the client has. */
export async function startEchoOrigin(): Promise<Origin> {
  return listen(createTcpServer({ allowHalfOpen: true }, (socket) => void socket.on('error', () => {}).pipe(socket)))
}

async function listen(server: Server): Promise<Origin> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}
