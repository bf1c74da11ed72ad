import { constants } from 'node:os'
import { isatty } from 'node:tty'

/**
 * nohup starts a program with SIGHUP ignored, and Node, as it starts, has every signal do again what it does by default: that it was ignored is
 * known by the name of the program that a shell started, which it leaves in `_`.
 */
const hangsUp = !/(?:^|\/)nohup$/.test(process.env['_'] ?? '')

/** What asks a program to stop in order: Ctrl-C, kill, and the end of the terminal that it was started from. */
const names: readonly NodeJS.Signals[] = hangsUp ? ['SIGINT', 'SIGTERM', 'SIGHUP'] : ['SIGINT', 'SIGTERM']

/** @param listener takes the first; the next ends the program. */
export function onceAskedToStop(listener: () => void): void {
  hearHangup()
  for (const name of names) process.once(name, listener)
}

function hearHangup(): void {
  if (!hangsUp) process.on('SIGHUP', () => {})
  else if ([0, 1, 2].some(isatty)) process.once('SIGHUP', () => process.once('exit', dieOfHangup))
}

/** Node sets its terminal back as it exits, and crashes where that is gone: dead of the signal, it doesn't come to it. */
function dieOfHangup(): void {
  process.removeAllListeners('SIGHUP')
  process.kill(process.pid, 'SIGHUP')
}

/** Signals that ask to stop, heard from when this is made: before anything is, so that nothing is left half-made. */
export class StopSignals {
  readonly #starting = new AbortController()
  #count = 0
  #listener: ((count: number) => void) | null = null

  constructor() {
    hearHangup()
    for (const name of names) process.on(name, () => this.#hear(name))
  }

  /** Aborted by the first. */
  get signal(): AbortSignal {
    return this.#starting.signal
  }

  /** @param listener takes the how many-th it is: from now on, and at once where one has come. */
  onSignal(listener: (count: number) => void): void {
    this.#listener = listener
    if (this.#count > 0) listener(this.#count)
  }

  #hear(name: NodeJS.Signals): void {
    this.#count++
    this.#starting.abort()
    if (this.#listener !== null) this.#listener(this.#count)
    // Whatever the start waits for, it isn't waited for twice.
    else if (this.#count > 1) process.exit(128 + constants.signals[name])
  }
}
