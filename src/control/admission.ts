import { isIP } from 'node:net'

/**
 * Whether a request comes from a program that means us. A page in a browser can send requests to 127.0.0.1, under a name of its own that it has
 * made to lead there (DNS rebinding); it can't choose its `Host`, nor, before it is answered, its `User-Agent`.
 * @param bound the host that the control port was asked to be on.
 * @returns why not; null where it is welcome.
 */
export function refuseHost(host: string | undefined, bound: string): string | null {
  // HTTP/1.0 has none, and browsers always send one.
  if (host === undefined) return null
  const name = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host)
  const known = name?.[1] ?? name?.[2]?.toLowerCase().replace(/\.$/, '') ?? ''
  // A name of one word belongs to no public domain: it is a neighbour's, as containers have them.
  if (isIP(known) !== 0 || /^[a-z0-9_-]+$/.test(known) || known === 'host.docker.internal' || known === bound.toLowerCase()) return null
  return `Host ${JSON.stringify(host)} not allowed: the control port answers to IP addresses, names of one word, and the host that it was started on, so that no web page can reach it by a name of its own; `
    + `use an IP address, or start it as --control ${known === '' ? 'NAME' : known}:PORT`
}

/** As the original does, for the same reason. */
export function isBrowser(userAgent: string | undefined): boolean {
  return userAgent?.startsWith('Mozilla/') === true
}
