import type { Direction } from '../../protocols/decoder.js'
import type { Turns } from './turns.js'

export interface TransferCommand {
  readonly ordinal: number
  readonly verb: string
  readonly argument: string | null
  readonly direction: Direction
}

/** How long a data connection waits for its command, in ms, unless a plugin still has it: clients that connect first ask right afterwards. */
const patience = 1000

/** Commands that a data connection may still come for. */
const remembered = 64

/** Says which command a data connection is for: the last that asked for data after the one that prepared it, and before the next that did. */
export class TransferCommands {
  readonly #commands: Turns
  #recent: (TransferCommand | { readonly ordinal: number, readonly verb: null })[] = []
  readonly #waiting = new Set<() => void>()

  /** @param commands whose plugins may still have the one that is waited for. */
  constructor(commands: Turns) {
    this.#commands = commands
  }

  asked(command: TransferCommand): void {
    this.#remember(command)
    for (const wake of this.#waiting) wake()
  }

  prepared(ordinal: number): void {
    this.#remember({ ordinal, verb: null })
  }

  /** @param setup ordinal of the command that prepared it. @param use called once, with null where no command came in time. */
  for(setup: number, use: (command: TransferCommand | null) => void): void {
    const known = this.#after(setup)
    if (known !== null) {
      use(known)
      return
    }
    const done = (found: TransferCommand | null): void => {
      clearTimeout(timer)
      this.#waiting.delete(wake)
      use(found)
    }
    const wake = (): void => {
      const found = this.#after(setup)
      if (found !== null) done(found)
    }
    const late = (): void => {
      if (this.#commands.busy) timer = setTimeout(late, patience).unref()
      else done(null)
    }
    let timer = setTimeout(late, patience).unref()
    this.#waiting.add(wake)
  }

  #after(setup: number): TransferCommand | null {
    let found: TransferCommand | null = null
    for (const one of this.#recent) {
      if (one.ordinal <= setup) continue
      if (one.verb === null) break
      found = one
    }
    return found
  }

  #remember(one: TransferCommand | { readonly ordinal: number, readonly verb: null }): void {
    this.#recent.push(one)
    if (this.#recent.length > remembered) this.#recent.shift()
  }
}
