import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { WiretapeError, reasonOf, systemCodeOf } from '../error.js'
import type { Address } from '../recording/notes.js'
import { isBrowser, refuseHost } from './admission.js'
import { plainAnswer } from './answer.js'
import type { Answer } from './answer.js'
import { readBody } from './read-body.js'
import { requestId } from './request-id.js'
import { findRoute } from './routes.js'
import type { Api } from './routes.js'

/** Ms. */
const limits = { head: 10_000, request: 15_000, keepAlive: 60_000, idle: 70_000, check: 1_000 }

const mostConnections = 1_000

/** @param path undecoded. */
export type ApiFor = (path: string) => Api

/** The HTTP server of the control port: what belongs to HTTP and to safety, and nothing of what is asked for. */
export class ControlServer {
  readonly address: Address
  readonly #server: Server
  /** As asked for. */
  readonly #host: string
  /** Set once there is something to control: what comes earlier waits. */
  readonly #apiFor: Promise<ApiFor>
  readonly serve: (apiFor: ApiFor) => void

  private constructor(server: Server, host: string) {
    const { address, port } = server.address() as { address: string, port: number }
    this.address = { host: address, port }
    this.#server = server
    this.#host = host
    let serve: (apiFor: ApiFor) => void
    this.#apiFor = new Promise((resolve) => { serve = resolve })
    this.serve = serve!
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response))
    // A client that waits to be told to go on with the body (RFC 9110 §10.1.1).
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      // What would be the next request may be a body that it sends all the same.
      response.shouldKeepAlive = false
      void this.#serve(request, response, () => response.writeContinue())
    })
    server.on('connect', (_request, socket) => {
      socket.on('error', () => {})
      socket.end('HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    })
    server.on('error', () => { /* An accept that failed: the next may not. */ })
  }

  /** @param host a name or an address. @param address what is bound, of that host. @throws WiretapeError `bind`. */
  static async bind(host: string, address: Address): Promise<ControlServer> {
    const server = createServer({
      headersTimeout: limits.head, requestTimeout: limits.request, keepAliveTimeout: limits.keepAlive, connectionsCheckingInterval: limits.check, maxHeaderSize: 16 * 1024,
    })
    server.maxConnections = mostConnections
    server.setTimeout(limits.idle)
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(new WiretapeError('bind', describe(cause, `${host}:${address.port}`), { cause })))
      server.listen(address, resolve)
    })
    server.removeAllListeners('error')
    return new ControlServer(server, host)
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  /** @param goOn called where the body is about to be read. */
  async #serve(request: IncomingMessage, response: ServerResponse, goOn?: () => void): Promise<void> {
    request.on('error', () => {})
    response.on('error', () => {})
    let answer: Answer
    try {
      answer = await this.#answer(request, response, goOn)
    } catch (thrown) {
      answer = plainAnswer(500, reasonOf(thrown))
    }
    const { status, headers, body = '' } = answer
    response.writeHead(status, { ...headers, ...status === 204 ? {} : { 'Content-Length': Buffer.byteLength(body) } }).end(body)
  }

  async #answer(request: IncomingMessage, response: ServerResponse, goOn: (() => void) | undefined): Promise<Answer> {
    const { method = '', headers } = request
    const target = targetOf(request.url ?? '')
    const refusal = refuseHost(target?.host ?? headers.host, this.#host)
    if (refusal !== null) return plainAnswer(403, refusal)
    if (target === null) return plainAnswer(404, '404 page not found')
    const api = (await this.#apiFor)(target.path)
    const found = findRoute(api.routes, method, target.path)
    if (found === null) return api.unknown(target.path)
    if ('allowed' in found) return api.wrongMethod(found.allowed)
    response.setHeader('X-Toxiproxy-Request-Id', requestId())
    if (isBrowser(headers['user-agent'])) return plainAnswer(403, 'User agent not allowed')
    try {
      return await found.route.answer({ named: (name) => found.named.get(name)!, query: target.query, body: () => readBody(request, goOn) })
    } catch (thrown) {
      return api.failed(thrown)
    }
  }
}

/** A proxy's clients send whole URLs. @returns null for what is neither path nor URL: `*`. */
function targetOf(url: string): { path: string, query: URLSearchParams, host?: string } | null {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url)
  const rest = absolute === null ? url : absolute[2]!.startsWith('/') ? absolute[2]! : `/${absolute[2]!}`
  if (!rest.startsWith('/')) return null
  const [path = '', query = ''] = rest.split(/\?(.*)/s, 2)
  return { path, query: new URLSearchParams(query), ...(absolute === null ? {} : { host: absolute[1]! }) }
}

function describe(error: Error, where: string): string {
  switch (systemCodeOf(error)) {
    case 'EADDRINUSE': return `the control port ${where} is taken: another program listens there; choose another, or 0 for any free one`
    case 'EACCES': return `the control port ${where} may not be used: ports below 1024 need privileges`
    case 'EADDRNOTAVAIL': return `the control port ${where} cannot be listened on: this machine has no such address`
    default: return `cannot listen for control on ${where}: ${reasonOf(error)}`
  }
}
