import { FtpDecoder, parseEprtArgument, parseEpsvReply, parsePasvReply, parsePortArgument, preparesData } from '../../protocols/ftp/index.js'
import type { CommandEvent, ReplyEvent } from '../../protocols/ftp/index.js'
import type { Direction } from '../../protocols/decoder.js'
import type { Address } from '../../recording/notes.js'
import { OldestKey } from '../oldest-key.js'

/** A data connection that a control connection has prepared. */
export interface ExpectedData {
  /** Handle of the control connection. */
  readonly control: number
  readonly relay: number
  /** Ordinal of the command on it. */
  readonly command: number
  readonly mode: 'passive' | 'active'
  readonly form: string
}

/** Prepared and not used: sessions prepare one for each transfer, and use it at once. */
const mostExpected = 4096

/** The data connections that FTP sessions in a capture have announced, by the address that will be dialled. */
export class FtpDataPorts {
  readonly #expected = new Map<string, { readonly data: ExpectedData, readonly keys: readonly string[] }>()
  readonly #oldest = new OldestKey(this.#expected)

  expect(addresses: readonly Address[], data: ExpectedData): void {
    const announced = { data, keys: addresses.map(keyOf) }
    for (const key of announced.keys) {
      // Again at the end of the line of those that are forgotten.
      this.#expected.delete(key)
      this.#expected.set(key, announced)
    }
    while (this.#expected.size > mostExpected) this.#expected.delete(this.#oldest.next()!)
  }

  /** @param dialled where a connection goes to. @returns what announced it, once. */
  take(dialled: Address): ExpectedData | null {
    if (this.#expected.size === 0) return null
    const found = this.#expected.get(keyOf(dialled))
    if (found === undefined) return null
    for (const key of found.keys) if (this.#expected.get(key) === found) this.#expected.delete(key)
    return found.data
  }
}

/** Follows one control connection, beside its interpreter, for the addresses that it names. */
export class FtpControlWatch {
  readonly #ports: FtpDataPorts
  readonly #of: { readonly control: number, readonly relay: number, readonly client: Address, readonly server: Address }
  readonly #decoder = new FtpDecoder()
  /** Ordinals of PASV and EPSV without their reply, with the verb. */
  readonly #passive = new Map<number, string>()

  constructor(ports: FtpDataPorts, of: { control: number, relay: number, client: Address, server: Address }) {
    this.#ports = ports
    this.#of = of
  }

  take(direction: Direction, bytes: Buffer, time: number): void {
    for (const event of this.#decoder.receive(direction, bytes, time)) {
      if (event.type === 'command') this.#command(event)
      else if (event.type === 'reply') this.#reply(event)
    }
  }

  #command({ verb, argumentText, message }: CommandEvent): void {
    const { control, relay, client } = this.#of
    if (preparesData(verb) === 'passive') {
      this.#passive.set(message, verb)
      if (this.#passive.size > mostExpected) this.#passive.delete(this.#passive.keys().next().value!)
      return
    }
    const told = verb === 'PORT' ? parsePortArgument(argumentText ?? '') : verb === 'EPRT' ? parseEprtArgument(argumentText ?? '') : null
    if (told === null) return
    // Behind a translator, a client names an address that the server doesn't see.
    this.#ports.expect([{ host: told.host, port: told.port }, { host: client.host, port: told.port }], { control, relay, command: message, mode: 'active', form: verb })
  }

  #reply({ message, code, text, preliminary }: ReplyEvent): void {
    const { control, relay, server } = this.#of
    const verb = this.#passive.get(message)
    if (verb === undefined || preliminary) return
    this.#passive.delete(message)
    const told = code === 227 ? parsePasvReply(text) : code === 229 ? { host: server.host, port: parseEpsvReply(text)?.port ?? 0 } : null
    if (told === null || told.port === 0) return
    // Many clients dial the server that they know rather than the address that it names.
    this.#ports.expect([told, { host: server.host, port: told.port }], { control, relay, command: message, mode: 'passive', form: verb })
  }
}

function keyOf({ host, port }: Address): string {
  return `${host} ${port}`
}
