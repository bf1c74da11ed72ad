import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { within } from './deadline.js'

export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs a program to its end. Proxies of the surroundings would come between it and the relay, so it doesn't see them. */
export async function run(t: ExecutionContext, program: string, args: readonly string[], input: Uint8Array | string = ''): Promise<Finished> {
  const child = start(t, program, args)
  const stdout: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes))
  let stderr = ''
  child.stderr.on('data', (bytes: Buffer) => stderr += bytes.toString())
  // A program that ends before it has read its input isn't this test's concern.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [code, signal] = await within(
    new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve([code, signal]))
    }), `${program} to end`)
  return { code, signal, stdout: Buffer.concat(stdout), stderr }
}

/** Starts a program that is killed when the test is over. */
export function start(t: ExecutionContext, program: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/_proxy$/i.test(name)))
  const child = spawn(program, args, { env: environment, stdio: 'pipe' })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

/** The lines a program prints, one after another. */
export class Lines {
  readonly #lines: string[] = []
  #rest = ''
  #over = false
  #wake: (() => void) | null = null

  constructor(stream: NodeJS.ReadableStream) {
    stream.on('data', (bytes: Buffer) => {
      const lines = (this.#rest + bytes.toString()).split('\n')
      this.#rest = lines.pop()!
      this.#lines.push(...lines)
      this.#wake?.()
    })
    stream.on('end', () => {
      this.#over = true
      this.#wake?.()
    })
  }

  /** The next line that matches; those before it are left out. */
  async next(pattern: RegExp): Promise<RegExpExecArray> {
    const waiting = async (): Promise<RegExpExecArray> => {
      for (;;) {
        for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
          const match = pattern.exec(line)
          if (match !== null) return match
        }
        if (this.#over) throw new Error(`the program ended before it printed ${pattern}`)
        await new Promise<void>((resolve) => this.#wake = resolve)
      }
    }
    return within(waiting(), `the line ${pattern}`)
  }
}

/** The path of a compiled script beside the test that names it: `script(import.meta.url, './children/x.js')`. */
export function script(from: string, path: string): string {
  return fileURLToPath(new URL(path, from))
}
