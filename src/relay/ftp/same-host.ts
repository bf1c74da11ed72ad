import { isIPv6, SocketAddress } from 'node:net'

/** Whether two IP addresses are one host's, however each is spelt: `::1` is `0:0:0:0:0:0:0:1`, `::ffff:10.0.0.1` is `10.0.0.1`. */
export function isSameHost(one: string, other: string): boolean {
  return canonical(one) === canonical(other)
}

/** A zone says which interface of one machine is meant, so it means nothing to another one (RFC 4007 §11.2). */
export function withoutZone(host: string): string {
  return host.replace(/%.*$/, '')
}

function canonical(host: string): string {
  const address = withoutZone(host)
  if (!isIPv6(address)) return address
  return new SocketAddress({ address, family: 'ipv6' }).address.replace(/^::ffff:(?=\d+\.)/, '')
}
