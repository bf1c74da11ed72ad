import { networkInterfaces } from 'node:os'
import { WiretapeError } from '../error.js'
import type { Address } from '../recording/notes.js'
import type { RelayAddress } from './address.js'
import { formatAddress } from './address.js'

/**
 * A relay whose target leads back to itself would open connections until the machine has none left.
 * @param bound where each relay listens, in the same order.
 * @throws WiretapeError `usage`.
 */
export function refuseLoops(addresses: readonly RelayAddress[], bound: readonly Address[]): void {
  const next = addresses.map(({ protocol, target }) => bound.findIndex((listener, index) =>
    (protocol === 'udp') === (addresses[index]!.protocol === 'udp') && leadsTo(target, listener)))
  for (const [start, { protocol, target }] of addresses.entries()) {
    let at = start
    for (let steps = 0; at >= 0 && steps <= next.length; steps++) {
      at = next[at]!
      if (at === start) {
        throw new WiretapeError('usage',
          `--${protocol} ${formatAddress(bound[start]!)}=${target.text} relays to itself: name the server behind it as TARGET`)
      }
    }
  }
}

/** Whether who dials the target may come out at the listener. */
export function leadsTo(target: Address, listener: Address): boolean {
  return target.port === listener.port
    && (target.host === listener.host || isLoopback(target.host) && (isLoopback(listener.host) || isAny(listener.host))
      || isAny(listener.host) && isOwn(target.host))
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** Whether this machine has the address. */
function isOwn(host: string): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host))
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
