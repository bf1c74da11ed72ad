import { reasonOf } from '../../error.js'
import type { Address } from '../../recording/notes.js'
import type { DataConnection, DataSetup } from './data-connection.js'
import { DataListener } from './data-listener.js'
import type { FtpSettings } from './options.js'

export interface PortRequest {
  /** The relay's own address to listen at. */
  readonly host: string
  readonly ports: FtpSettings['dataPorts']
  /** The only address that may connect. */
  readonly peer: string
  readonly accepted: 'client' | 'server'
  readonly dial: Address
  readonly localAddress: string | null
  readonly setup: DataSetup
}

export interface PreparedPortOptions {
  readonly onData: (connection: DataConnection) => void
  readonly onEvent: (kind: string, text: string) => void
}

/** The one port that a session has prepared for its next data connection: a later PASV or PORT takes its place. */
export class PreparedPort {
  readonly #options: PreparedPortOptions
  #listener: DataListener | null = null
  #closed = false
  #listening: Promise<unknown> = Promise.resolve()

  constructor(options: PreparedPortOptions) {
    this.#options = options
  }

  /**
   * One after another: of two that are asked for in one packet, the second takes the first one's place.
   * @returns the port; null where none could be had, of which an event tells.
   */
  prepare(request: PortRequest): Promise<number | null> {
    const listening = this.#listening.then(() => this.#replace(request))
    this.#listening = listening
    return listening
  }

  close(): void {
    this.#closed = true
    this.#listener?.close()
  }

  async #replace({ host, ports, peer, accepted, dial, localAddress, setup }: PortRequest): Promise<number | null> {
    const { onData, onEvent } = this.#options
    this.#listener?.close()
    this.#listener = null
    let listener: DataListener
    try {
      listener = await DataListener.open({
        host, ports, peer,
        onConnection: (socket) => onData({ socket, accepted, dial, localAddress, setup }),
        onForeign: (text) => onEvent('ftp-foreign-data', text),
      })
    } catch (thrown) {
      onEvent('ftp-data-refused', `no port for the data connection that ${setup.form} asked for: ${reasonOf(thrown)}`)
      return null
    }
    if (this.#closed) listener.close()
    this.#listener = listener
    return listener.port
  }
}
