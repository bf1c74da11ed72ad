import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Ms that a process gets between SIGTERM and SIGKILL. A relay may have the indexes of a big recording to build. */
const stopPatience = 120_000

/** Ms within which a process says that it is ready. */
const readyPatience = 30_000

/** Characters of stderr kept for the message if a process fails. */
const keptComplaint = 2000

type Ended = { readonly code: number | null, readonly signal: NodeJS.Signals | null }

/** The processes that the run has started. None of them outlives it, and no other is touched. */
export class Processes {
  readonly #alive = new Set<ChildProcess>()

  /**
   * Starts a program that stays until it is stopped. It leads a process group of its own: Ctrl-C reaches only this
   * script, which then ends the rest in order, and a server's workers end with it.
   */
  start(program: string, arguments_: readonly string[]): RunningProcess {
    const child = spawn(program, arguments_, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    this.#alive.add(child)
    const over = (): unknown => this.#alive.delete(child)
    child.once('exit', over)
    child.once('error', over)
    return new RunningProcess(program, child)
  }

  /**
   * Runs a program to its end.
   * @returns its stdout.
   * @throws where it fails, or takes longer than `seconds`.
   */
  async run(program: string, arguments_: readonly string[], seconds: number): Promise<string> {
    const running = this.start(program, arguments_)
    let late = false
    const timer = setTimeout(() => {
      late = true
      running.kill()
    }, seconds * 1000)
    const { code, signal } = await running.ended
    clearTimeout(timer)
    if (late) throw new Error(`${program} was not done after ${seconds} s`)
    if (code !== 0) throw new Error(`${program} ended with ${signal ?? `exit ${code}`}: ${running.complaint}`)
    return running.output
  }

  /** Ends everything at once. Synchronous, so that it can be the last thing a dying process does. */
  killAll(): void {
    for (const child of this.#alive) killGroup(child, 'SIGKILL')
    this.#alive.clear()
  }
}

/** One started program: what it has said so far, and how it ends. */
export class RunningProcess {
  /** Resolves when it is over and all its output has been read. */
  readonly ended: Promise<Ended>
  readonly #name: string
  readonly #child: ChildProcess
  readonly #output: Buffer[] = []
  #complaint = ''
  #over: Ended | null = null

  constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    child.stdout!.on('data', (bytes: Buffer) => this.#output.push(bytes))
    child.stderr!.on('data', (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString()).slice(-keptComplaint)
    })
    this.ended = new Promise((resolve) => {
      const end = (ended: Ended): void => {
        this.#over = ended
        resolve(ended)
      }
      child.once('close', (code, signal) => end({ code, signal }))
      child.once('error', (error) => {
        this.#complaint += error.message
        end({ code: null, signal: null })
      })
    })
  }

  get output(): string {
    return Buffer.concat(this.#output).toString()
  }

  /** The end of its stderr. */
  get complaint(): string {
    return this.#complaint.trim()
  }

  /** @throws where it could not be started. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#name} was not started: ${this.complaint}`)
    return this.#child.pid
  }

  get over(): boolean {
    return this.#over !== null
  }

  /** @returns the first line of its stdout, there already or still to come. @throws where it takes half a minute. */
  async firstLine(): Promise<string> {
    const timer = setTimeout(() => this.kill(), readyPatience)
    while (!this.output.includes('\n') && !this.over) await Promise.race([once(this.#child.stdout!, 'data'), this.ended])
    clearTimeout(timer)
    if (!this.output.includes('\n')) throw new Error(`${this.#name} was not ready: ${this.complaint}`)
    return this.output.slice(0, this.output.indexOf('\n'))
  }

  /** Ends it at once, with all that it has started. */
  kill(): void {
    if (!this.over) killGroup(this.#child, 'SIGKILL')
  }

  /** Asks it to end, and waits; makes it end where it doesn't. */
  async stop(): Promise<Ended> {
    if (!this.over) this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.kill(), stopPatience)
    const ended = await this.ended
    clearTimeout(timer)
    return ended
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // It was over before the signal came.
  }
}
