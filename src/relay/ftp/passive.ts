import { isIPv4, isIPv6 } from 'node:net'
import { parseEpsvArgument, parseEpsvReply, parsePasvReply, withEpsvPort, withPasvAddress } from '../../protocols/ftp/index.js'
import type { CommandEvent, ReplyEvent } from '../../protocols/ftp/index.js'
import type { Address } from '../../recording/notes.js'
import type { FtpSession, Outcome } from './session.js'

/** What a server may be told instead of PASV or EPSV, so that it answers although the client is of another family. */
export function askPassive({ client, server }: FtpSession, { verb, argumentText }: CommandEvent): Outcome {
  if (server === null) return null
  const inServersForm = { send: Buffer.from('EPSV\r\n') }
  const family = familyOf(server.peer)
  // A server that is reached by IPv6 has no address to tell in a 227: ask in the form that it knows.
  if (verb === 'PASV') return family === 6 ? inServersForm : null
  const asked = parseEpsvArgument(argumentText)
  if (client === null || typeof asked !== 'number' || family === familyOf(client.peer)) return null
  // The family of the data connection is each side's own (RFC 2428 §3); asked for by the client, it is the client's.
  if (asked !== family) return inServersForm
  const own = familyOf(client.peer) === 4 ? 1 : 2
  return {
    refuse: `522 Network protocol not supported, use (${own}).`, kind: 'ftp-data-refused',
    why: `EPSV asked for IPv${asked}, by which the client can't reach the relay: it was answered with 522`,
  }
}

/** The reply to PASV or EPSV, `verb`, that has the server's address: the client is told a port of the relay's. */
export async function answerPassive(session: FtpSession, reply: ReplyEvent, verb: string): Promise<Outcome> {
  const { settings, client, server } = session
  const { code, start, text, message } = reply
  const raw = Buffer.from(reply.raw)
  if (client === null || server === null) return null
  const host = settings.dataHost ?? client.own.host
  const asExtended = code === 229 && verb === 'EPSV'
  if (!asExtended && !isIPv4(host)) {
    session.event('ftp-data-refused', `a 227 can't name the relay's IPv6 address: ${verb} was answered with 522`, 'down', start)
    return { send: Buffer.from('522 PASV is for IPv4; use EPSV.\r\n') }
  }
  const told: Address | null = code === 227 ? parsePasvReply(text) : { host: server.peer.host, port: parseEpsvReply(text)?.port ?? 0 }
  if (told === null || told.port === 0) {
    session.event('ftp-address-unreadable', `the ${code} reply to ${verb} has no address that can be read: it passes as it is, and its data connection can't be followed`, 'down', start)
    return null
  }
  if (told.host !== server.peer.host && !settings.trustPasv) {
    session.event('ftp-address-ignored', `the server named ${told.host} for its data connection; ${server.peer.host} is dialled, where it is itself`, 'down', start)
  }
  const port = await session.prepared.prepare({
    host: client.own.host, ports: settings.dataPorts, peer: client.peer.host, accepted: 'client',
    dial: { host: settings.trustPasv ? told.host : server.peer.host, port: told.port }, localAddress: null,
    setup: { command: message, mode: 'passive', form: verb },
  })
  if (port === null) return { send: Buffer.from('425 No data connection can be opened.\r\n') }
  if (asExtended) return { send: withEpsvPort(raw, port) }
  if (code === 227) return { send: withPasvAddress(raw, { host, port }) }
  const numbers = [...host.split('.'), port >> 8, port & 0xff].join(',')
  return { send: Buffer.from(`227 Entering Passive Mode (${numbers}).\r\n`) }
}

function familyOf({ host }: Address): 4 | 6 {
  return isIPv6(host) ? 6 : 4
}
