import type { Socket } from 'node:net'
import type { ConnectionRecorder } from '../../recording/connection-recorder.js'
import type { Inflow } from './inflow.js'
import type { Outgoing } from './outgoing.js'
import type { Upstream } from './upstream.js'

/** Bytes that may wait for a slow reader where each read has memory of its own. */
const queueLimit = 128 * 1024

export interface Regulated {
  readonly fromClient: Inflow
  readonly fromServer: Inflow
  readonly up: Outgoing
  readonly down: Outgoing
}

/** Decides who may send on: nobody whose last bytes still wait for a plugin, for a slow reader or for the recorder. */
export class Regulator {
  readonly #client: Socket
  readonly #settled: () => void
  #clientReading = true
  #waitsForRecorder = false
  #waitingForRoom: (() => void)[] = []

  /** @param settled called when the recorder has caught up. */
  constructor(client: Socket, settled: () => void) {
    this.#client = client
    this.#settled = settled
  }

  regulate({ fromClient, fromServer, up, down }: Regulated, upstream: Upstream | null): void {
    // While its next requests wait some more is read: else nobody would hear the client leave.
    const reads = !this.#waitsForRecorder && fromClient.waitingBytes <= queueLimit && up.backlog <= queueLimit
    if (reads !== this.#clientReading && !this.#client.destroyed) {
      this.#clientReading = reads
      if (reads) this.#client.resume()
      else this.#client.pause()
    }
    if (upstream !== null) {
      // Where the read buffer is used again, nothing of it may still wait to be written.
      upstream.reading = !this.#waitsForRecorder && fromServer.empty && down.backlog <= (upstream.ownsReads ? queueLimit : 0)
    }
    if (this.#waitingForRoom.length > 0) for (const wake of this.#waitingForRoom.splice(0)) wake()
  }

  /** Resolves when little enough waits in this direction, or nothing will go out any more. */
  async room(out: Outgoing, most = queueLimit): Promise<void> {
    while (out.backlog > most) await new Promise<void>((resolve) => this.#waitingForRoom.push(resolve))
  }

  waitFor(recorder: ConnectionRecorder): void {
    if (this.#waitsForRecorder) return
    this.#waitsForRecorder = true
    recorder.onceReady(() => {
      this.#waitsForRecorder = false
      this.#settled()
    })
  }
}
