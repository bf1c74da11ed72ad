import { isIPv4 } from 'node:net'
import { parseEprtArgument, parsePortArgument, withEprtArgument, withPortArgument } from '../../protocols/ftp/index.js'
import type { CommandEvent } from '../../protocols/ftp/index.js'
import { couldBounce } from './bounce-guard.js'
import { isSameHost, withoutZone } from './same-host.js'
import type { FtpSession, Outcome, Side } from './session.js'

/** Whether a command asks the server to dial, for any server that there may be. */
export function asksToDial({ verb, raw }: CommandEvent): boolean {
  return verb === 'PORT' || verb === 'EPRT' || couldBounce(raw)
}

/** A command that asks the server to dial: it is told to dial the relay, or never sees the command. */
export function prepareActive(session: FtpSession, command: CommandEvent): Outcome | Promise<Outcome> {
  const { verb, message } = command
  const { client, server } = session
  const text = command.argumentText ?? ''
  const address = verb === 'PORT' ? parsePortArgument(text) : verb === 'EPRT' ? parseEprtArgument(text) : null
  if (address === null) return unreadable(verb)
  // The bounce attack (RFC 2577 §3): a server made to send its data to somebody who didn't ask.
  if (client === null || !isSameHost(address.host, client.peer.host)) {
    const who = client === null ? 'the client, which is gone' : `the client (${client.peer.host})`
    return { refuse: `500 ${verb} is for your own address.`, kind: 'ftp-bounce-refused', why: `${verb} named ${address.host}, which is not ${who}` }
  }
  if (address.port < 1024) {
    return { refuse: `500 ${verb} is for ports from 1024.`, kind: 'ftp-bounce-refused', why: `${verb} named the privileged port ${address.port}` }
  }
  if (server === null) return noPort(verb)
  const { own, peer } = server
  const raw = Buffer.from(command.raw)
  return session.prepared.prepare({
    host: own.host, ports: null, peer: peer.host, accepted: 'server', dial: { host: client.peer.host, port: address.port },
    localAddress: addressForClient(client), setup: { command: message, mode: 'active', form: verb },
  }).then((port) => {
    if (port === null) return noPort(verb)
    const told = { host: withoutZone(own.host), port }
    if (verb === 'EPRT') return { send: withEprtArgument(raw, told) }
    return { send: isIPv4(told.host) ? withPortArgument(raw, told) : Buffer.from(`EPRT |2|${told.host}|${port}|\r\n`) }
  })
}

/** It isn't for the server to read after all: what is no address here may be one there. */
function unreadable(verb: string): Outcome {
  const kind = 'ftp-address-unreadable'
  if (verb === 'PORT' || verb === 'EPRT') {
    return { refuse: `501 ${verb} has no address that can be read.`, kind, why: `the argument of ${verb} is no address: it was answered with 501` }
  }
  if (verb === 'LPRT') return { refuse: '502 LPRT is not relayed; use EPRT.', kind, why: 'LPRT was answered with 502: EPRT took its place' }
  return {
    refuse: '501 Write PORT or EPRT at the beginning of the line, and a space after it.', kind,
    why: 'a server could read PORT or EPRT in a line that isn\'t written so: it was answered with 501',
  }
}

function noPort(verb: string): Outcome {
  return { refuse: '425 No data connection can be opened.', kind: 'ftp-data-refused', why: `${verb} was answered with 425` }
}

/**
 * A client expects its data from the address that it reached the server by, which may be a second one of ours. Where both sides are
 * one machine's one address, there is no other to choose, and naming it would cost a search for a free port.
 */
function addressForClient({ own, peer }: Side): string | null {
  return own.host === peer.host ? null : own.host
}
