import type { Socket } from 'node:net'
import type { Address } from '../../recording/notes.js'

/** How a data connection was prepared: the command's ordinal on the control connection, and its form. */
export interface DataSetup {
  readonly command: number
  readonly mode: 'passive' | 'active'
  readonly form: string
}

export interface DataConnection {
  readonly socket: Socket
  /** Which side it came from: the client in passive mode, the server in active mode. */
  readonly accepted: 'client' | 'server'
  readonly dial: Address
  /** The relay's own address on the side that is dialled, where the system wouldn't choose it by itself. */
  readonly localAddress: string | null
  readonly setup: DataSetup
}
