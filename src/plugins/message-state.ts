import type { ConnectionInfo, Message } from './messages.js'

/** A message while hooks may change it: knows that it was changed and by whom, and can be put back as it was before a hook that failed. */
export abstract class MessageState implements Message {
  readonly connection: ConnectionInfo
  /** Among the messages of its connection, as the decoder counts; undefined before hooks were asked. */
  ordinal: number | undefined = undefined
  #changedBy: readonly string[] = []
  #version = 0
  #late = false

  constructor(connection: ConnectionInfo) {
    this.connection = connection
  }

  get changedBy(): readonly string[] {
    return this.#changedBy
  }

  get changed(): boolean {
    return this.#changedBy.length > 0
  }

  /** Grows with each change. */
  get revision(): number {
    return this.#version
  }

  /** Keeps what there is to change. @returns what puts it back. */
  abstract keep(): () => void

  noteChange(plugin: string): void {
    this.#changedBy = [...this.#changedBy, plugin]
  }

  /** It is on its way: what a hook that was given up on does to it from now on is refused. */
  seal(): void {
    this.#late = true
  }

  /** To be called before each change. @throws Error where it is too late for one. */
  protected readonly touch = (): void => {
    if (this.#late) throw new Error('it was changed too late: the message has gone on already')
    this.#version++
  }
}
