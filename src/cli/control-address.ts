import { WiretapeError } from '../error.js'

/** Reads `--control`: a port of 127.0.0.1, or HOST:PORT with brackets around IPv6. @throws WiretapeError `usage`. */
export function readControlAddress(given: unknown): { readonly port: number, readonly host?: string } {
  const match = typeof given === 'number' || typeof given === 'string' ? /^(?:(?:\[([\da-f:.]+)\]|([^:[\]\s/@]+)):)?(\d{1,5})$/i.exec(String(given)) : null
  const port = Number(match?.[3])
  if (match === null || port > 65535) throw new WiretapeError('usage', `--control ${JSON.stringify(given)}: expected PORT or HOST:PORT (0 to 65535), such as --control 8474`)
  const host = match[1] ?? match[2]
  return { port, ...host === undefined ? {} : { host } }
}
