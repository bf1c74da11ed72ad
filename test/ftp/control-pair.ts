import type { ExecutionContext } from 'ava'
import type { Recording, RelayOptions } from 'wiretape'
import { connectTo, peerServer } from '../real/peer.js'
import type { Peer, PeerServer } from '../real/peer.js'
import { taping } from '../real/relaying.js'
import type { Taped } from '../real/relaying.js'

/** A control connection through the relay, both ends of it played by the test. */
export interface ControlPair {
  readonly tape: Taped
  readonly client: Peer
  readonly server: Peer
  /** Plays the server's data ports. */
  readonly data: PeerServer
  /** The client says a line, which reaches the server as it is. */
  asks(line: string): Promise<void>
  /** The server says a line, which reaches the client as it is. */
  answers(...lines: string[]): Promise<void>
  /** PASV: @param named the port that the server names, that of `data` where absent. @returns the port that the client is told. */
  passive(named?: number): Promise<number>
  /** PORT to a port that the test plays: @returns the port that the server is told. */
  active(port: number): Promise<number>
  /** Both sides end, and the recording is opened. */
  over(): Promise<Recording>
}

export const sixNumbers = (port: number, host = '127.0.0.1'): string => `${host.replaceAll('.', ',')},${port >> 8},${port & 0xff}`

/** The port in a PASV reply or a PORT command. */
export function portIn(line: string): number {
  const [, high, low] = /(?:\d+,){4}(\d+),(\d+)/.exec(line) ?? []
  if (high === undefined) throw new Error(`no address in ${JSON.stringify(line)}`)
  return Number(high) * 256 + Number(low)
}

/** @param t the greeting has passed when this resolves. */
export async function controlPair(t: ExecutionContext, options: RelayOptions = {}): Promise<ControlPair> {
  const listening = await peerServer(t)
  const data = await peerServer(t)
  const tape = await taping(t, { ...options, ftp: `0=127.0.0.1:${listening.port}` })
  const client = await connectTo(t, tape.port)
  const server = await listening.next()
  const pair: ControlPair = {
    tape, client, server, data,
    asks: async (line) => {
      client.write(`${line}\r\n`)
      t.is(await server.through('\r\n'), `${line}\r\n`)
    },
    answers: async (...lines) => {
      const text = lines.map((line) => `${line}\r\n`).join('')
      server.write(text)
      t.is((await client.take(text.length)).toString('latin1'), text)
    },
    passive: async (named = data.port) => {
      await pair.asks('PASV')
      server.write(`227 Entering Passive Mode (${sixNumbers(named)}).\r\n`)
      const reply = await client.through('\r\n')
      const port = portIn(reply)
      t.is(reply, `227 Entering Passive Mode (${sixNumbers(port)}).\r\n`)
      t.not(port, named)
      return port
    },
    active: async (port) => {
      client.write(`PORT ${sixNumbers(port)}\r\n`)
      const command = await server.through('\r\n')
      const told = portIn(command)
      t.is(command, `PORT ${sixNumbers(told)}\r\n`)
      t.not(told, port)
      await pair.answers('200 PORT command successful.')
      return told
    },
    over: async () => {
      client.finish()
      server.finish()
      await client.gone()
      await server.gone()
      return tape.recorded()
    },
  }
  await pair.answers('220 ready')
  return pair
}
