import type { Address } from '../../recording/notes.js'
import type { ConnectionRecord } from '../../recording/rows.js'

/** Addresses for documentation (RFC 5737): nobody has them. */
const nobodyAsking = '192.0.2.1'
const nobodyAnswering = '198.51.100.1'

const firstFreePort = 1024

/**
 * An address for a client that the recording has none of, as in one made of a HAR: packets need some, and connections that
 * are open at the same time different ones.
 */
export function madeUpClient({ id }: ConnectionRecord): Address {
  return { host: nobodyAsking, port: firstFreePort + id % (65_536 - firstFreePort) }
}

/** @param target of the relay: its port tells what is spoken. */
export function madeUpServer(target: string | undefined): Address {
  const [, scheme, port] = /^(?:(\w+):\/\/)?.*?(?::(\d+))?$/.exec(target ?? '') ?? []
  // What is told is what was said within TLS: on its own port it would be taken for that.
  return { host: nobodyAnswering, port: Number(port ?? (scheme === undefined ? 9 : 80)) || 9 }
}
