import type { Direction } from '../../protocols/decoder.js'
import type { Turns } from './turns.js'

export interface TransferCommand {
  readonly ordinal: number
  readonly verb: string
  readonly argument: string | null
  readonly direction: Direction
}

/** How long a data connection waits for its command, in ms, after the last one that came, unless a plugin still has it: clients that connect first ask soon. */
const patience = 1000

/** Commands that a data connection may still come for. */
const remembered = 64

/** Says which command a data connection is for: the last that asked for data after the one that prepared it, and before the next that did. */
export class TransferCommands {
  readonly #commands: Turns
  readonly #isPaused: () => boolean
  #recent: (TransferCommand | { readonly ordinal: number, readonly verb: null })[] = []
  readonly #waiting = new Set<{ readonly found: () => void, readonly heard: () => void }>()

  /** @param commands whose plugins may still have the one that is waited for. @param isPaused whether the relay itself isn't reading commands. */
  constructor(commands: Turns, isPaused: () => boolean) {
    this.#commands = commands
    this.#isPaused = isPaused
  }

  asked(command: TransferCommand): void {
    this.#remember(command)
    for (const { found } of this.#waiting) found()
  }

  prepared(ordinal: number): void {
    this.#remember({ ordinal, verb: null })
    this.other()
  }

  /** The client said something else: the command may still come. */
  other(): void {
    for (const { heard } of this.#waiting) heard()
  }

  /** @param setup ordinal of the command that prepared it. @param use called once, with null where no command came in time. */
  for(setup: number, use: (command: TransferCommand | null) => void): void {
    const known = this.#after(setup)
    if (known !== null) {
      use(known)
      return
    }
    let timer: NodeJS.Timeout | undefined
    const done = (command: TransferCommand | null): void => {
      clearTimeout(timer)
      this.#waiting.delete(waiting)
      use(command)
    }
    const wait = (): void => {
      clearTimeout(timer)
      const mine = setTimeout(() => {
        // After what has come meanwhile was read: a busy relay hears of the time first.
        setImmediate(() => {
          if (timer !== mine || !this.#waiting.has(waiting)) return
          if (this.#commands.busy || this.#isPaused()) wait()
          else done(null)
        })
      }, patience).unref()
      timer = mine
    }
    const waiting = {
      found: () => {
        const command = this.#after(setup)
        if (command !== null) done(command)
      },
      heard: wait,
    }
    this.#waiting.add(waiting)
    wait()
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
