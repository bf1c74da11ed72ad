import { WiretapeError } from '../../error.js'
import type { Protocol } from '../../relay/address.js'

/** Options that say something of some protocols alone. */
const own: Readonly<Record<string, { readonly option: string, readonly of: readonly Protocol[], readonly why: string }>> = {
  match: { option: '--match', of: ['http'], why: 'only HTTP requests have fields to match' },
  ignore: { option: '--ignore', of: ['http'], why: 'only HTTP requests have fields to ignore' },
  routes: { option: 'routes', of: ['http'], why: 'only HTTP requests have paths' },
  refresh: { option: '--refresh', of: ['http'], why: 'only HTTP answers have dates and cookies' },
  onMiss: { option: '--on-miss', of: ['http'], why: 'only HTTP requests can be sent on to a live server' },
  // WebSockets and what goes through CONNECT are played as TCP is.
  tcpMatch: { option: '--tcp-match', of: ['tcp', 'http'], why: 'only TCP, and tunnels over HTTP, are compared so' },
}

/** Names of options that none of these protocols has a use for. */
export function foreignOptions(options: object, served: readonly Protocol[]): string[] {
  return Object.entries(options).filter(([name, value]) => {
    const known = own[name]
    // What is so anyway can be said of all.
    return known !== undefined && value !== undefined && value !== 'fail' && !known.of.some((protocol) => served.includes(protocol))
  }).map(([name]) => name)
}

/** What could change nothing is a mistake. @throws WiretapeError `usage`. */
export function refuseForeign(options: object, served: readonly Protocol[]): void {
  const [foreign] = foreignOptions(options, served)
  if (foreign === undefined) return
  const { option, of, why } = own[foreign]!
  throw new WiretapeError('usage', `${option}: ${why}; what is served is ${[...new Set(served)].join(', ')}, without ${of.map((protocol) => `--${protocol}`).join(' or ')}`)
}
