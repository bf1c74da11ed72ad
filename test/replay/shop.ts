import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { ExecutionContext } from 'ava'
import { httpOrigin } from '../real/http-origin.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'

/** How one shop differs from another. */
export interface Changed {
  readonly price?: number
  readonly text?: string
  readonly status?: number
  readonly server?: string
  readonly pixel?: number
}

export interface Shop {
  readonly url: string
  readonly port: number
  /** As a relay is started with it. */
  readonly target: string
  readonly served: () => number
  /** `METHOD url host body`, of each request. */
  readonly asked: string[]
}

/** A small server with JSON, gzip, text, bytes, a form, an empty answer and chunks. What changes by the moment is in headers and in `at`. */
export async function shop(t: ExecutionContext, changed: Changed = {}): Promise<Shop> {
  const asked: string[] = []
  const origin = await httpOrigin(t, (request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString('latin1')
      asked.push(`${request.method} ${request.url} ${request.headers.host} ${body}`)
      response.setHeader('Server', changed.server ?? 'shop/1')
      answer(request, response, body, changed)
    })
  })
  return { url: `http://127.0.0.1:${origin.port}`, port: origin.port, target: origin.target, served: origin.served, asked }
}

const pixels = Buffer.from(Array.from({ length: 300 }, (_, at) => at % 256))

function answer({ url, method }: IncomingMessage, response: ServerResponse, body: string, { price = 5, text = 'two', status = 200, pixel = 0 }: Changed): void {
  const json = (value: unknown): void => {
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(value))
  }
  switch (url) {
    case '/items': return json({ at: Date.now(), items: [{ id: 1, price: 3 }, { id: 2, price: 4 }, { id: 3, price }] })
    case '/packed': {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' })
      response.end(gzipSync(JSON.stringify({ price })))
      return
    }
    case '/text': {
      response.writeHead(200, { 'Content-Type': 'text/plain' })
      response.write('one\n')
      response.end(`${text}\nthree\n`)
      return
    }
    case '/pixels': {
      const bytes = Buffer.from(pixels)
      bytes[200] = bytes[200]! ^ pixel
      response.writeHead(200, { 'Content-Type': 'image/x-pixels' })
      response.end(bytes)
      return
    }
    case '/order': {
      response.statusCode = status
      response.setHeader('Set-Cookie', `session=${Math.random()}; Path=/; HttpOnly`)
      return json({ method, got: body })
    }
    default: {
      response.statusCode = 404
      response.end()
    }
  }
}

/** What curl asks of a shop: two requests on one connection, then an upload of each kind, then the rest. */
export async function curlTour(t: ExecutionContext, port: number): Promise<void> {
  const url = `http://127.0.0.1:${port}`
  const curl = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await run(t, 'curl', ['-sS', '-o', '/dev/null', ...args])
    if (code !== 0) throw new Error(`curl ${args.join(' ')}: ${stderr}`)
  }
  await curl(`${url}/items`, '-o', '/dev/null', `${url}/packed`, '-o', '/dev/null', `${url}/text`)
  await curl('-d', 'book=1', `${url}/order`)
  await curl('-H', 'Transfer-Encoding: chunked', '-d', 'book=2', `${url}/order`)
  await curl(`${url}/pixels`)
  await curl('--http1.0', `${url}/items`)
  await curl('-I', `${url}/items`)
  await curl(`${url}/missing`)
}

/** Requests of `curlTour`. */
export const tourLength = 9

/** A recording of the tour. */
export async function tourRecording(t: ExecutionContext, target: string): Promise<string> {
  const taped = await taping(t, { http: target })
  await curlTour(t, taped.port)
  await taped.relay.stop()
  return taped.path
}
