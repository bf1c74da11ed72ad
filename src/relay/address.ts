import { isIP } from 'node:net'
import { WiretapeError } from '../error.js'
import { described } from '../recording/known-options.js'
import type { Address } from '../recording/notes.js'

export const protocols = ['http', 'tcp', 'ftp', 'udp'] as const

export type Protocol = typeof protocols[number]

/** One relay as asked for: where it listens, and what stands behind it. */
export interface RelayAddress {
  readonly protocol: Protocol
  readonly listen: Address
  readonly target: Target
  /** TCP: what a client sees where the target can't be reached; `reset` where absent, since a close would read as an answer that is complete, and empty. */
  readonly unreachable?: 'reset' | 'close'
}

export interface Target extends Address {
  /** Dial with TLS. */
  readonly secure: boolean
  /** What a client puts into `Host`: the port only where it isn't the scheme's own. */
  readonly authority: string
  /** As people write it: `http://127.0.0.1:3000`, `db:5432`. */
  readonly text: string
}

const loopback = '127.0.0.1'

const examples: Readonly<Record<Protocol, string>> = {
  udp: '5353=127.0.0.1:53', http: '8080=http://127.0.0.1:3000', tcp: '15432=127.0.0.1:5432', ftp: '2121=127.0.0.1:21',
}

/**
 * Reads `LISTEN=TARGET`. LISTEN is `port` or `host:port` (IPv6 in brackets), port 0 picks one, the host is 127.0.0.1
 * unless given. TARGET is `host:port`, for `http` also a URL.
 * @param option how the argument was named, for the message: `--http`.
 * @throws WiretapeError `usage`.
 */
export function parseRelayAddress(protocol: Protocol, text: string, option = `--${protocol}`): RelayAddress {
  if (!protocols.includes(protocol)) throw new WiretapeError('usage', `parseRelayAddress: expected one of ${protocols.join(', ')} first, not ${described(protocol)}`)
  const example = examples[protocol]
  if (typeof text !== 'string') throw new WiretapeError('usage', `parseRelayAddress: expected a text LISTEN=TARGET, such as '${example}', not ${described(text)}`)
  const equals = text.indexOf('=')
  if (equals < 0) throw new WiretapeError('usage', `${option} ${text}: expected LISTEN=TARGET, such as ${option} ${example}`)
  const complain = (part: string, why: string): WiretapeError =>
    new WiretapeError('usage', `${option} ${text}: ${part} ${why}, such as ${option} ${example}`)
  const listenText = text.slice(0, equals)
  const targetText = text.slice(equals + 1)
  const listen = /^\d+$/.test(listenText) ? { host: loopback, port: Number(listenText) } : readHostPort(listenText)
  if (listen === null || listen.port > 65535) {
    throw complain(`LISTEN "${listenText}"`, 'is not a port or host:port (0 to 65535)')
  }
  const target = readTarget(protocol, targetText)
  if (typeof target === 'string') throw complain(`TARGET "${targetText}"`, target)
  return { protocol, listen, target }
}

/** Reads where to listen alone: `port` or `host:port`. @param option how it was named, for the message. @throws WiretapeError `usage`. */
export function parseListen(text: string, option: string): Address {
  const listen = /^\d+$/.test(text) ? { host: loopback, port: Number(text) } : readHostPort(text)
  if (listen === null || listen.port > 65535) throw new WiretapeError('usage', `${option}: "${text}" is not a port or host:port (0 to 65535)`)
  return listen
}

/** Reads a target alone: `host:port`, for `http` also a URL. @throws WiretapeError `usage`. */
export function parseTarget(protocol: Protocol, text: string): Target {
  const target = readTarget(protocol, text)
  if (typeof target === 'string') throw new WiretapeError('usage', `the target "${text}" ${target}`)
  return target
}

/** @returns the target, or what is wrong with it. */
function readTarget(protocol: Protocol, text: string): Target | string {
  const target = protocol === 'http' ? readUrl(text) : readPlainTarget(text)
  return typeof target !== 'string' && (target.port > 65535 || target.port === 0) ? 'has a port outside 1 to 65535' : target
}

/** `host:port`, with brackets around IPv6. */
export function formatAddress(address: Address): string {
  return isIP(address.host) === 6 ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

function readHostPort(text: string): Address | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s/@]+)):(\d{1,5})$/.exec(text)
  if (match === null) return null
  const host = match[1] ?? match[2]!
  if (match[1] !== undefined && isIP(host) !== 6) return null
  return { host, port: Number(match[3]) }
}

/** @returns the target, or what is wrong with it. */
function readPlainTarget(text: string): Target | string {
  const address = readHostPort(text)
  if (address === null) return 'is not host:port'
  return { ...address, secure: false, authority: formatAddress(address), text: formatAddress(address) }
}

/** @returns the target, or what is wrong with it. */
function readUrl(text: string): Target | string {
  if (!text.includes('://')) {
    const address = readHostPort(text)
    if (address === null) return 'is not an http:// or https:// URL or host:port'
    return { ...address, secure: false, authority: formatAddress(address), text: `http://${formatAddress(address)}` }
  }
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return 'is not a URL'
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return `has the scheme ${url.protocol.slice(0, -1)}: this relay speaks http and https`
  }
  if (url.username !== '' || url.password !== '') return 'has a user or password, which a relay would not send on: leave it to the client'
  if ((url.pathname !== '/' && url.pathname !== '') || url.search !== '' || url.hash !== '') {
    return `has a path: requests keep their own, so name only ${url.protocol}//${url.host}`
  }
  const secure = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    host, port: url.port === '' ? (secure ? 443 : 80) : Number(url.port), secure,
    authority: url.host, text: `${url.protocol}//${url.host}`,
  }
}
