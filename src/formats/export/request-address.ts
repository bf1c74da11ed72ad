import type { Address } from '../../recording/notes.js'
import type { ConnectionRecord, HttpExchange } from '../../recording/rows.js'

/** The URL of an exchange as its client meant it: absolute, and of characters that a URL may have. */
export function addressOf(exchange: HttpExchange, connection: ConnectionRecord | null): string {
  const { scheme, host, path, query, method } = exchange
  const place = host ?? authorityOf(connection?.listen ?? connection?.server ?? null)
  const target = method === 'CONNECT' ? '/' : `${path ?? '/'}${query === null ? '' : `?${query}`}`
  return escaped(`${scheme ?? 'http'}://${place}${target.startsWith('/') || target.startsWith('?') ? '' : '/'}${target}`)
}

/** `host:port`, an IPv6 host in brackets. */
export function authorityOf(address: Address | null): string {
  if (address === null) return 'unknown'
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

/** Bytes that no URL has (RFC 3986 §2) as %XX; % itself is as it was. */
function escaped(latin1: string): string {
  // oxlint-disable-next-line no-control-regex
  return latin1.replaceAll(/[\u0000-\u0020"<>\\^`{|}\u007f-\uffff]/g, (character) => character.charCodeAt(0) > 0xff ? encodeURIComponent(character)
    : `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}
