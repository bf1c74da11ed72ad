import type { Member } from '../../plugins/connection-plugins.js'
import type { BodyTransform, TransformOptions, WireStage } from '../../plugins/messages.js'
import type { WireUse } from './wire.js'

export interface TransformUse {
  readonly transform: BodyTransform
  readonly decode: boolean
  readonly member: Member
}

/** The streams through which a message's body is to go, in the order of the plugins that asked for them. */
export class Transforms {
  /** Whose hook is being called. */
  member: Member | null = null
  readonly #touch: () => void
  #uses: readonly TransformUse[] = []
  #wires: readonly WireUse[] = []
  #late = false

  constructor(touch: () => void) {
    this.#touch = touch
  }

  get uses(): readonly TransformUse[] {
    return this.#uses
  }

  /** Over the bytes that leave. */
  get wires(): readonly WireUse[] {
    return this.#wires
  }

  add(transform: BodyTransform, { decode = true }: TransformOptions = {}): void {
    if (typeof transform !== 'function') throw new TypeError('transformBody takes a function: async function* (chunks) { … }')
    if (this.#late) throw new Error('transformBody has to be called in the hook of the message\'s head')
    this.#touch()
    this.#uses = [...this.#uses, { transform, decode, member: this.member! }]
  }

  addWire(stage: WireStage): void {
    if (typeof stage !== 'function') throw new TypeError('wire takes a function: async function* (pieces, wire) { … }')
    if (this.#late) throw new Error('wire has to be called in the hook of the message\'s head')
    this.#wires = [...this.#wires, { stage, member: this.member! }]
  }

  /** How the body goes is decided. */
  close(): void {
    this.#late = true
  }

  /** @returns what puts back what there is now. */
  keep(): () => void {
    const uses = this.#uses
    const wires = this.#wires
    return () => {
      this.#uses = uses
      this.#wires = wires
    }
  }
}
