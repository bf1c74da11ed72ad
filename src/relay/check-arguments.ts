import { WiretapeError } from '../error.js'
import { described } from '../recording/known-options.js'
import { protocols } from './address.js'
import type { RelayAddress } from './address.js'
import type { Listeners, RelayListener } from './listeners.js'

/** What comes from code may be anything. @param call for the message. @throws WiretapeError `usage`. */
export function checkRelayAddress(given: RelayAddress, call: string): void {
  const wrong = wrongIn(given)
  if (wrong !== null) {
    throw new WiretapeError('usage', `${call}: expected an address, such as parseRelayAddress('tcp', '15432=127.0.0.1:5432') gives; ${wrong}`)
  }
}

/** @param gone whether one that was removed may be given. @throws WiretapeError `usage`. */
export function checkListener(given: RelayListener, call: string, listeners: Listeners, gone: boolean): void {
  if (listeners.has(given)) return
  const known = listeners.knows(given)
  if (known && gone) return
  if (known) throw new WiretapeError('usage', `${call}: the relay ${given.name} was removed: add it anew`)
  throw new WiretapeError('usage', `${call}: expected one of this relay's listeners, not ${described(given)}`)
}

function wrongIn(given: unknown): string | null {
  if (typeof given !== 'object' || given === null) return `this is ${described(given)}`
  const { protocol, listen, target, unreachable } = given as Record<string, unknown>
  if (!protocols.includes(protocol as never)) return `its protocol is ${described(protocol)}, not one of ${protocols.join(', ')}`
  const place = wrongInPlace(listen, 'listen', 0) ?? wrongInPlace(target, 'target', 1)
  if (place !== null) return place
  const { secure, authority, text } = target as Record<string, unknown>
  if (typeof secure !== 'boolean' || typeof authority !== 'string' || typeof text !== 'string') return 'its target lacks secure, authority or text'
  return unreachable === undefined || unreachable === 'reset' || unreachable === 'close' ? null : `its unreachable is ${described(unreachable)}, not 'reset' or 'close'`
}

function wrongInPlace(given: unknown, what: string, least: number): string | null {
  const { host, port } = (given ?? {}) as Record<string, unknown>
  // Where a relay listens, the empty host stands for every address.
  if (typeof host !== 'string' || (host === '' && what === 'target')) return `its ${what} has no host`
  return Number.isInteger(port) && (port as number) >= least && (port as number) <= 65_535 ? null : `its ${what} has the port ${described(port)}, not ${least} to 65535`
}
