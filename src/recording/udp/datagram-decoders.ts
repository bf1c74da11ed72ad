import type { InterpreterContext } from '../interpreter.js'
import { looksLikeDns } from '../../protocols/dns/message.js'
import { DnsQueries } from './dns-queries.js'
import type { DatagramReader } from './datagram-reader.js'

export interface DatagramDecoder {
  readonly ports: readonly number[]
  looksLike(bytes: Buffer): boolean
  reader(context: InterpreterContext): DatagramReader
}

/** The registry: what a UDP session can be read as. A later protocol over datagrams joins here. */
export const datagramDecoders: Readonly<Record<string, DatagramDecoder>> = {
  dns: { ports: [53, 5353], looksLike: looksLikeDns, reader: (context) => new DnsQueries(context) },
}

/**
 * Picks by what was asked for (`--decode`), by port, or by the first datagram's content.
 * @returns null where nothing fits.
 */
export function chooseDatagramDecoder(asked: string, port: number | undefined, bytes: Buffer): DatagramDecoder | null {
  if (asked === 'none') return null
  if (asked !== 'auto') return datagramDecoders[asked] ?? null
  for (const decoder of Object.values(datagramDecoders)) {
    if ((port !== undefined && decoder.ports.includes(port)) || decoder.looksLike(bytes)) return decoder
  }
  return null
}
