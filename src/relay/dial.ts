import { connect, isIP, type NetConnectOpts, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { reasonOf, systemCodeOf } from '../error.js'
import type { Address, TlsFacts } from '../recording/notes.js'
import type { Target } from './address.js'
import type { BufferedReads } from './reads.js'

export interface DialOptions {
  readonly target: Target
  /** Ms; 0 waits as long as the system does. */
  readonly timeout: number
  readonly insecure: boolean
  /** Where nothing is dialled to, by whatever name it is reached. */
  readonly keptAwayFrom: readonly Address[]
  /** Dial from this address of our own. */
  readonly localAddress?: string | null
  /** How the socket is read. Without it, and over TLS, it gives `data` events. */
  readonly reads?: BufferedReads
}

export interface Dialled {
  readonly socket: Socket
  /** The TCP socket under it: the same, or the one that carries the TLS. */
  readonly raw: Socket
  readonly tls: TlsFacts | null
}

/**
 * Connects to the target; the connection isn't read before the caller resumes it.
 * Failures reach `failed` as one sentence, also after a timeout; exactly one of the two is called, once.
 */
export function dial(options: DialOptions, connected: (dialled: Dialled) => void, failed: (error: string, code: string | null) => void): { abort(): void } {
  const { target, timeout, reads } = options
  let over = false
  const raw = connect({
    host: target.host, port: target.port, allowHalfOpen: true, noDelay: true, highWaterMark: 1,
    ...(options.localAddress == null ? {} : { localAddress: options.localAddress }),
    ...(reads !== undefined && !target.secure ? { onread: reads.onread } : {}),
  } as NetConnectOpts)
  raw.pause()
  let secure: TLSSocket | undefined
  const settle = (error: string | null, code: string | null = null): void => {
    if (over) return
    over = true
    clearTimeout(timer)
    raw.off('error', onError)
    secure?.off('error', onError)
    if (error !== null) {
      raw.on('error', () => {})
      secure?.on('error', () => {})
      secure?.destroy()
      raw.destroy()
      failed(error, code)
    } else {
      connected({ socket: secure ?? raw, raw, tls: secure === undefined ? null : factsOf(secure) })
    }
  }
  const onError = (error: Error): void => settle(describe(error, target, options.insecure), systemCodeOf(error))
  const timer = timeout === 0 ? undefined
    : setTimeout(() => settle(`${target.text} did not accept a connection within ${timeout} ms`), timeout)
  raw.on('error', onError)
  raw.once('connect', () => {
    if (options.keptAwayFrom.some((kept) => leadsTo(raw, kept))) {
      settle(`${target.text} is a control port of wiretape itself, which nothing is relayed to`)
      return
    }
    if (!target.secure) {
      settle(null)
      return
    }
    const settings: ConnectionOptions & { highWaterMark: number } = {
      socket: raw, rejectUnauthorized: !options.insecure, ALPNProtocols: ['http/1.1'], highWaterMark: 1,
      ...(isIP(target.host) === 0 ? { servername: target.host } : { host: target.host }),
    }
    secure = connectTls(settings)
    secure.on('error', onError)
    secure.once('secureConnect', () => settle(null))
  })
  return { abort: () => settle('given up') }
}

/** An address of this machine stands for all where something listens on every one of them. */
function leadsTo({ remoteAddress, remotePort, localAddress }: Socket, { host, port }: Address): boolean {
  const reached = remoteAddress?.replace(/^::ffff:/, '')
  return remotePort === port && (reached === host || ((host === '0.0.0.0' || host === '::') && remoteAddress === localAddress))
}

function factsOf(socket: TLSSocket): TlsFacts {
  return {
    version: socket.getProtocol(), cipher: socket.getCipher().name,
    alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : null,
    serverName: (socket as TLSSocket & { servername?: string | false }).servername || null,
  }
}

function describe(error: Error, target: Target, insecure: boolean): string {
  const code = systemCodeOf(error)
  switch (code) {
    case 'ECONNREFUSED': return `${target.text} refused the connection`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH': return `${target.text} cannot be reached (${code})`
    case 'ENOTFOUND':
    case 'EAI_AGAIN': return `${target.host} has no address (${code})`
    case 'ETIMEDOUT': return `${target.text} did not answer (ETIMEDOUT)`
    case 'EMFILE':
    case 'ENFILE': return `out of file descriptors (${code}) while connecting to ${target.text}`
  }
  // A dual-stack name that fails everywhere comes as one error around several.
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0] as Error, target, insecure)
  const hint = target.secure && !insecure && /certificate|self.signed|altname/i.test(error.message + (code ?? ''))
    ? '; --insecure accepts it unverified' : ''
  return `connecting to ${target.text} failed: ${reasonOf(error)}${hint}`
}
