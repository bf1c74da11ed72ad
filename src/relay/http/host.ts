import type { ConnectionPlugins } from '../../plugins/connection-plugins.js'
import type { ConnectionRecorder } from '../../recording/connection-recorder.js'
import type { Target } from '../address.js'
import type { Inflow } from './inflow.js'
import type { Outgoing } from './outgoing.js'

/** What an exchange asks of the connection that it is on. */
export interface Host {
  readonly plugins: ConnectionPlugins
  readonly tap: ConnectionRecorder | null
  readonly target: Target
  /** `Host` is to name the target. */
  readonly rewriteHost: boolean
  readonly up: Outgoing
  readonly down: Outgoing
  readonly fromClient: Inflow
  readonly fromServer: Inflow
  /** Bytes received from servers so far: where something of our own to the client has its place. */
  readonly receivedDown: number
  /** Connects, where that hasn't happened yet, and tells whoever reads the responses that one to this method will come. */
  connect(target: Target, method: string, ready: () => void): void
  /** A request is whole and with the server: where nothing follows it, the server hears that at once. */
  requestOver(): void
  /** Both messages of the exchange are over. @param closing the connection is not to go on. */
  finished(status: number, closing: boolean): void
  /** Ends the connection in order, after what is under way; nothing more goes to a server. */
  end(reason: string): void
  reset(reason: string): void
  /** The request goes nowhere, and so does all that follows it, until the client leaves. */
  stall(): void
  /** From here on bytes pass both ways as they come. */
  pipe(): void
  /** No server is needed for this exchange any more. */
  dropServer(): void
  /** Resolves when no more than `most` bytes wait in this direction, a usual amount where absent, or nothing will go out any more. */
  room(direction: 'up' | 'down', most?: number): Promise<void>
}
