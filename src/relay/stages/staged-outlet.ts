import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { ConnectionPlugins } from '../../plugins/connection-plugins.js'
import type { Direction } from '../../protocols/decoder.js'
import type { Stages } from '../connection-hooks.js'
import type { Outlet } from '../outlet.js'
import { StreamStages } from './stream-stages.js'

export interface StagedOutletOptions {
  readonly direction: Direction
  readonly to: Socket
  readonly plugins: ConnectionPlugins
  readonly stages: Stages
  /** Stages that stand before the socket already. */
  readonly standing: StreamStages | null
  readonly onReset: (why: string) => void
  readonly onClose: (why: string) => void
}

/** A socket, and before it the plugins' stages for as long as there are any. What they do isn't recorded: they count other bytes than were received. */
export class StagedOutlet extends EventEmitter<{ drain: [] }> implements Outlet {
  readonly #options: StagedOutletOptions
  readonly #to: Socket
  #stages: StreamStages | null = null
  #ended = false

  constructor(options: StagedOutletOptions) {
    super()
    this.#options = options
    this.#to = options.to
    options.to.on('drain', () => {
      if (this.#stages === null) this.emit('drain')
    })
    const { standing, onReset, onClose } = options
    if (standing !== null) {
      standing.moveTo({ onReset, onClose, onBare: () => this.#bare(standing) })
      this.#own(standing)
    }
    this.update()
  }

  get destroyed(): boolean {
    return this.#to.destroyed
  }

  get writableLength(): number {
    return (this.#stages ?? this.#to).writableLength
  }

  /** What was written hasn't all left yet. */
  get holds(): boolean {
    return this.#stages?.holds === true || this.#to.writableLength > 0
  }

  write(bytes: Buffer): void {
    (this.#stages ?? this.#to).write(bytes)
  }

  end(): void {
    this.#ended = true
    ;(this.#stages ?? this.#to).end()
  }

  /** The plugins have changed. */
  update(): void {
    const { direction, to, plugins, stages: find, onReset, onClose } = this.#options
    const stages = find(direction)
    if (this.#stages !== null) {
      this.#stages.update(stages)
      return
    }
    if (stages.length === 0 || this.#ended) return
    const made: StreamStages = new StreamStages({
      direction, offset: 0, to, tap: null, plugins, stages, onReset, onClose,
      onBare: () => this.#bare(made),
    })
    this.#own(made)
  }

  #own(stages: StreamStages): void {
    this.#stages = stages
    stages.on('drain', () => {
      if (this.#stages === stages) this.emit('drain')
    })
  }

  #bare(stages: StreamStages): void {
    if (this.#stages !== stages || this.#ended) return
    this.#stages = null
    stages.detach()
    this.emit('drain')
  }
}
