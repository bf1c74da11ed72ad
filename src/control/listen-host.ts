import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** No call of the API takes a second, whatever the name servers do. In ms. */
const patience = 800

/**
 * The address to listen on for a host: itself, or the one that it is a name of, IPv4 first, as Go has it. Empty stands for every address.
 * @throws Error in Go's words, without the `listen tcp:` before them.
 */
export async function addressOfHost(host: string): Promise<string> {
  if (isIP(host) !== 0) return host
  // Never asked of anyone (RFC 6761 6.3), so that it isn't waited for behind names that are.
  if (host === 'localhost') return '127.0.0.1'
  if (host === '') return hasIpv6() ? '::' : '0.0.0.0'
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), patience)
  })
  const found = await Promise.race([lookup(host, { all: true }).catch(() => []), late])
  clearTimeout(timer)
  if (found === 'late') throw new Error(`lookup ${host}: i/o timeout`)
  const address = found.find(({ family }) => family === 4) ?? found[0]
  if (address === undefined) throw new Error(`lookup ${host}: no such host`)
  return address.address
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6'))
}
