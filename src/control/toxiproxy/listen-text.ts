import { isIP } from 'node:net'
import { formatAddress } from '../../relay/address.js'
import type { Address } from '../../recording/notes.js'
import { addressOfHost } from '../listen-host.js'
import { ToxiproxyError } from './errors.js'

/** Where to listen: as it was written, and what that stands for. */
export interface ListenPlace {
  readonly literal: Address
  readonly resolved: Address
}

/** Reads `host:port` as Go's net does. Nothing at all is any port of 127.0.0.1, and not, as in the original, of the whole machine. @throws ToxiproxyError 500 in Go's words. */
export async function readListen(text: string): Promise<ListenPlace> {
  const literal = text === '' ? { host: '127.0.0.1', port: 0 } : splitHostPort(text)
  try {
    return { literal, resolved: { ...literal, host: await addressOfHost(literal.host) } }
  } catch (thrown) {
    throw new ToxiproxyError(500, `listen tcp: ${(thrown as Error).message}`)
  }
}

export function listenText({ host, port }: Address): string {
  return formatAddress({ host, port })
}

/** @throws ToxiproxyError 500. */
function splitHostPort(text: string): Address {
  const complain = (why: string): ToxiproxyError => new ToxiproxyError(500, `listen tcp: ${why}`)
  const match = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(text)
  if (match === null) throw complain(`address ${text}: ${/^\[[^\]]*\]$|^[^:]*$/.test(text) ? 'missing port in address' : 'too many colons in address'}`)
  const [, bracketed, plain, port = ''] = match
  if (bracketed !== undefined && isIP(bracketed) !== 6) throw complain(`lookup ${bracketed}: no such host`)
  if (!/^\d*$/.test(port)) throw complain(`lookup tcp/${port}: unknown port`)
  if (Number(port) > 65535) throw complain(`address ${port}: invalid port`)
  return { host: bracketed ?? plain!, port: Number(port) }
}
