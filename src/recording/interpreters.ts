import { looksLikeDns } from '../protocols/dns/message.js'
import { FtpInterpreter } from './ftp/ftp-interpreter.js'
import { HttpInterpreter } from './http-interpreter.js'
import type { Interpreter, InterpreterContext } from './interpreter.js'
import { OpaqueInterpreter } from './opaque-interpreter.js'
import { DatagramInterpreter } from './udp/datagram-interpreter.js'
import type { DatagramDecoder } from './udp/datagram-reader.js'
import { DnsQueries } from './udp/dns-queries.js'

/*
 * The registry of what a connection can be read as: a protocol of its own by its name, what goes over datagrams by port or content.
 * A later protocol joins in one of the two lists.
 */

const interpreters: Readonly<Record<string, (context: InterpreterContext) => Interpreter>> = {
  http: (context) => new HttpInterpreter(context),
  udp: (context) => new DatagramInterpreter(context, chooseDatagramDecoder),
  ftp: (context) => new FtpInterpreter(context),
  tcp: (context) => new OpaqueInterpreter(context),
}

const datagramDecoders: readonly DatagramDecoder[] = [
  { name: 'dns', ports: [53, 5353], looksLike: looksLikeDns, reader: (context) => new DnsQueries(context) },
]

/** What `--decode` can ask for by name. */
export const datagramDecoderNames: readonly string[] = datagramDecoders.map(({ name }) => name)

export function interpreterFor(protocol: string, context: InterpreterContext): Interpreter {
  return (interpreters[protocol] ?? interpreters['tcp']!)(context)
}

/**
 * Picks what a UDP session is read as: by what was asked for (`--decode`), by port, or by the first datagram's content.
 * @returns null where nothing fits.
 */
export function chooseDatagramDecoder(asked: string, port: number | undefined, bytes: Buffer): DatagramDecoder | null {
  if (asked === 'none') return null
  const fits = ({ name, ports, looksLike }: DatagramDecoder): boolean =>
    asked === 'auto' ? (port !== undefined && ports.includes(port)) || looksLike(bytes) : name === asked
  return datagramDecoders.find(fits) ?? null
}
