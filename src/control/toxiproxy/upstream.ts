import { formatAddress, parseTarget } from '../../relay/address.js'
import type { RelayAddress, Target } from '../../relay/address.js'
import { reasonOf } from '../../error.js'
import { badBody } from './errors.js'

/** What stands behind a relay, as `host:port`: the Toxiproxy API knows no other protocols. */
export function upstreamText({ protocol, target }: RelayAddress): string {
  return protocol === 'http' ? formatAddress(target) : target.text
}

/**
 * @param before what it is to take the place of: an HTTP relay stays one, with or without TLS.
 * @throws ToxiproxyError 400: the original takes it, and then fails at each connection.
 */
export function readUpstream(text: string, before: RelayAddress | null): Target {
  // Go dials this machine where there is no host.
  const whole = text.startsWith(':') ? `127.0.0.1${text}` : text
  try {
    const target = before?.protocol === 'http' ? parseTarget('http', `${before.target.secure ? 'https' : 'http'}://${whole}`) : parseTarget('tcp', whole)
    return before?.protocol === 'http' ? target : { ...target, text }
  } catch (thrown) {
    throw badBody(`upstream ${JSON.stringify(text)}: expected host:port, such as 127.0.0.1:5432 (${reasonOf(thrown)})`)
  }
}
