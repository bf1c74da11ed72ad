import type { Program } from './programs.js'
import type { Outcome } from './report/outcome.js'
import type { Processes } from './processes.js'
import type { Scratch } from './scratch.js'

/** One comparison. To add one, write it in `suite/` and name it in `registry.ts`. */
export interface Bench {
  readonly name: string
  /** What is measured, in one line. */
  readonly title: string
  /** Without these it can't run at all, and is skipped. */
  readonly needs: readonly Program[]
  /** What it measures wiretape against: the ones that aren't installed are left out and named. */
  readonly compares: readonly Program[]
  run(session: Session): Promise<Outcome>
}

/** What a bench is given for one run of the script. */
export interface Session {
  readonly processes: Processes
  readonly scratch: Scratch
  readonly rounds: number
  /** How long one peer is loaded in one round. */
  readonly seconds: number
  /** Says on stderr what is going on: a run takes minutes. */
  say(text: string): void
}
