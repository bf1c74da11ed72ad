import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { definePlugin } from 'wiretape'
import type { AnyPlugin, HttpHooks, PluginDefinition } from 'wiretape'

export interface HttpOrigin {
  readonly port: number
  /** As a relay is started with it. */
  readonly target: string
  served(): number
}

/** Node's own server; without an answer of its own it tells what it was asked, as JSON. */
export async function httpOrigin(t: ExecutionContext, answer: (request: IncomingMessage, response: ServerResponse) => void = tellWhatCame): Promise<HttpOrigin> {
  let served = 0
  const server = createServer((request, response) => {
    served++
    answer(request, response)
  })
  // Longer than a busy machine takes from one request to the next.
  server.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, target: `0=http://127.0.0.1:${port}`, served: () => served }
}

/** A plugin of HTTP hooks alone. */
export function http(name: string, hooks: HttpHooks, rest: Partial<Omit<PluginDefinition, 'setup' | 'options'>> = {}): AnyPlugin {
  return definePlugin({ description: name, ...rest, name, setup: () => ({ http: hooks }) })
}

function tellWhatCame(request: IncomingMessage, response: ServerResponse): void {
  const pieces: Buffer[] = []
  request.on('data', (piece: Buffer) => pieces.push(piece))
  request.on('end', () => {
    const { method, url, headers, trailers } = request
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ method, url, headers, trailers, body: Buffer.concat(pieces).toString('latin1') }))
  })
}
