import type { ExecutionContext } from 'ava'
import { Lines, run, script, start } from '../real/program.js'
import type { Finished } from '../real/program.js'

const main = script(import.meta.url, '../../src/cli/main.js')

/** Runs the command to its end, as a user would. */
export function wiretape(t: ExecutionContext, ...args: string[]): Promise<Finished> {
  return run(t, process.execPath, [main, ...args])
}

export interface Running {
  readonly lines: Lines
  readonly stderr: () => string
  signal(name: NodeJS.Signals): void
  readonly ended: Promise<{ code: number | null, signal: NodeJS.Signals | null }>
}

/** Starts the command, for those that run until they are told to stop. */
export function startWiretape(t: ExecutionContext, ...args: string[]): Running {
  const child = start(t, process.execPath, [main, ...args])
  let stderr = ''
  child.stderr.on('data', (bytes: Buffer) => stderr += bytes.toString())
  return {
    lines: new Lines(child.stdout), stderr: () => stderr, signal: (name) => void child.kill(name),
    ended: new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal }))),
  }
}
