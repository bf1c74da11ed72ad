import type { Socket } from 'node:net'
import type { ConnectionPlugins } from '../plugins/connection-plugins.js'
import type { Direction } from '../protocols/decoder.js'
import type { ConnectionRecorder } from '../recording/connection-recorder.js'
import type { Stages } from './connection-hooks.js'
import type { Lane } from './lane.js'
import { closeNow } from './reset-socket.js'
import { StreamStages, working } from './stages/stream-stages.js'

export interface StagedLaneOptions {
  readonly direction: Direction
  readonly lane: Lane
  /** Where the direction goes. */
  readonly socket: Socket
  readonly tap: ConnectionRecorder | null
  readonly plugins: ConnectionPlugins
  /** What the plugins have for its bytes. */
  readonly find: Stages
  /** A stage resets the connection. @param why for the record. */
  readonly onReset: (why: string) => void
  /** A stage ends both directions. */
  readonly onClose: (why: string) => void
}

/** One direction, and where it goes: a socket, or the plugins' stages before it for as long as there are any. */
export class StagedLane {
  readonly lane: Lane
  readonly socket: Socket
  stages: StreamStages | null = null
  readonly #options: StagedLaneOptions

  constructor(options: StagedLaneOptions) {
    this.lane = options.lane
    this.socket = options.socket
    this.#options = options
  }

  /** Stages keep back some of what came. */
  get staged(): boolean {
    return this.stages?.holds === true
  }

  /** Some of what came hasn't left yet. */
  get holds(): boolean {
    return this.staged || this.socket.writableLength > 0
  }

  /** The plugins have changed. */
  restage(): void {
    const { direction, tap, plugins, find, onReset, onClose } = this.#options
    const stages = working(find(direction))
    // After the end too: what a stage holds is let go when it goes.
    if (this.stages !== null) {
      this.stages.update(stages)
      return
    }
    if (stages.length === 0 || this.lane.ended) return
    const made: StreamStages = new StreamStages({
      direction, offset: this.lane.bytes, to: this.socket, tap, plugins, stages, onReset, onClose,
      onBare: () => {
        if (this.stages !== made || this.lane.ended) return
        this.stages = null
        made.detach()
        this.lane.reroute(this.socket, false)
      },
    })
    this.stages = made
    this.lane.reroute(made, true)
  }

  /** Somebody else carries the direction on. @returns the stages that stand before the socket. */
  retire(): StreamStages | null {
    const { stages } = this
    this.stages = null
    this.lane.retire()
    return stages
  }

  /** Closes the socket at once; with a reset where some of what came hasn't left. @param raw the TCP socket under it. */
  cut(raw: Socket): void {
    closeNow(this.socket, raw, this.staged)
  }
}
