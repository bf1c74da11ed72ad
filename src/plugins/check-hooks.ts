import { WiretapeError } from '../error.js'
import { nearest } from '../recording/filter.js'
import type { ConnectionHooks, DnsHooks, FtpHooks, Hooks, HttpHooks, UdpHooks } from './hooks.js'

const connection: Readonly<Record<keyof ConnectionHooks, true>> = { open: true, close: true }
const http: Readonly<Record<keyof HttpHooks, true>> = { request: true, requestBody: true, response: true, responseBody: true, trailers: true }
const ftp: Readonly<Record<keyof FtpHooks, true>> = { command: true, reply: true, transfer: true, data: true, transferEnd: true }
const udp: Readonly<Record<keyof UdpHooks, true>> = { datagram: true }
const dns: Readonly<Record<keyof DnsHooks, true>> = { query: true, answer: true }

/** Every hook, by the part that it is in; null for those that are a function themselves. */
const known: Readonly<Record<keyof Hooks, Readonly<Record<string, true>> | null>> = { connection, http, ftp, udp, dns, stream: null, recording: null }

/** The parts that hooks are in. */
export const parts = Object.keys(known) as readonly (keyof Hooks)[]

/**
 * A hook by a name that there isn't would never be called, and nobody would be told.
 * @throws WiretapeError `usage`, naming the plugin and the hook.
 */
export function checkHooks(plugin: string, hooks: Hooks): void {
  const refuse = (what: string): never => {
    throw new WiretapeError('usage', `plugin ${plugin}: ${what}`)
  }
  const unknown = (path: string, name: string, names: readonly string[]): never => {
    const near = nearest(name, names)
    return refuse(`there is no hook ${path}${name}${near === null ? '' : ` (did you mean ${path}${near}?)`}; there are ${names.join(', ')}`)
  }
  for (const [part, value] of Object.entries(hooks)) {
    if (!(parts as readonly string[]).includes(part)) unknown('', part, parts)
    if (value === undefined) continue
    const names = known[part as keyof Hooks]
    if (names === null) {
      if (typeof value !== 'function') refuse(`${part} is no function`)
      continue
    }
    if (typeof value !== 'object' || value === null) refuse(`${part} is no object of hooks, such as ${part}: { ${Object.keys(names)[0]}() {} }`)
    for (const [name, hook] of Object.entries(value as object)) {
      // What is no function may be the plugin's own, for its hooks to use.
      const isHook = Object.hasOwn(names, name)
      if (isHook && hook !== undefined && typeof hook !== 'function') refuse(`${part}.${name} is no function`)
      if (!isHook && typeof hook === 'function') unknown(`${part}.`, name, Object.keys(names))
    }
  }
}
