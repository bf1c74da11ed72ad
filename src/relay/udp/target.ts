import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { WiretapeError, reasonOf, systemCodeOf } from '../../error.js'
import type { Address } from '../../recording/notes.js'
import type { Target } from '../address.js'

/**
 * The addresses of a relay's target, in the order in which the system gives them; one for a target that is an address.
 * @throws WiretapeError `usage` for a target that has none that can be relayed to.
 */
export async function resolveTarget(target: Target): Promise<readonly Address[]> {
  let hosts = [target.host]
  if (isIP(target.host) === 0) {
    try {
      hosts = (await lookup(target.host, { all: true })).map(({ address }) => address)
    } catch (cause) {
      throw new WiretapeError('usage', `--udp: the target ${target.text} has no address (${systemCodeOf(cause) ?? reasonOf(cause)})`, { cause })
    }
  }
  const usable = hosts.filter((host) => whyNot(host) === null)
  if (usable.length === 0) {
    throw new WiretapeError('usage', `--udp: the target ${target.text} is ${whyNot(hosts[0]!) ?? 'no'} address: a relay needs one server that answers`)
  }
  return [...new Set(usable)].map((host) => ({ host, port: target.port }))
}

function whyNot(host: string): string | null {
  const plain = host.replace(/^::ffff:(?=\d+\.)/i, '')
  const first = Number(plain.split('.')[0])
  const refused = isIPv6(plain) ? /^ff/i.test(plain) || plain === '::'
    : first >= 224 || (plain.endsWith('.255') && first !== 127) || plain === '127.255.255.255' || plain === '0.0.0.0'
  if (!refused) return null
  return /^ff/i.test(plain) || (first >= 224 && first < 240) ? 'a multicast' : 'a broadcast or reserved'
}
