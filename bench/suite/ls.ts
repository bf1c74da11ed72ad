import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Bench, Session } from '../bench.js'
import type { Check, Row } from '../report/outcome.js'

const exchanges = 1_000_000
const condition = 'status >= 500 and duration_ms > 200'

/** The target, in ms. */
const limit = 300

const buildScript = fileURLToPath(new URL('../big-recording-process.js', import.meta.url))
const libraryScript = fileURLToPath(new URL('../clients/list-process.js', import.meta.url))
const commandLine = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

export const ls: Bench = {
  name: 'ls',
  title: `wiretape ls --where "${condition}" --json, on ${exchanges.toLocaleString('en-US')} exchanges`,
  needs: [],
  compares: [],
  async run(session) {
    session.say('  building the recording')
    const file = session.scratch.fresh('big.sqlite')
    const { matching } = JSON.parse(
      await session.processes.run(process.execPath, [buildScript, file, String(exchanges)], 600)) as { matching: number }
    const commands: readonly Command[] = [
      { name: 'ls', arguments: [commandLine, 'ls', file, '--where', condition, '--json'], lines: matching },
      { name: 'library alone', arguments: [libraryScript, file, condition], lines: matching },
      { name: 'node, doing nothing', arguments: ['-e', '0'], lines: 0 },
    ]
    const timed = await timeInRounds(session, commands)
    session.scratch.discard(file)
    return {
      tables: [{
        figure: 'whole process', unit: 'ms', reference: null, rows: timed.map(({ row }) => row),
        targets: [{ peer: 'ls', below: limit }],
      }],
      checks: timed.flatMap(({ check }) => check ?? []),
    }
  },
}

type Command = { readonly name: string, readonly arguments: readonly string[], readonly lines: number }

/** Three a round: they are short, and the first of all, which finds nothing in the system's cache, doesn't count. */
async function timeInRounds(session: Session, commands: readonly Command[]): Promise<{ row: Row, check: Check | null }[]> {
  const timed = commands.map((command) => ({ command, samples: [] as number[], absent: absence(command), check: null as Check | null }))
  for (let round = 0; round <= session.rounds * 3; round++) {
    for (const one of timed) {
      if (one.absent !== null) continue
      const { command } = one
      try {
        const start = performance.now()
        const output = await session.processes.run(process.execPath, command.arguments, 60)
        const time = performance.now() - start
        if (round > 0) one.samples.push(time)
        else if (command.lines > 0) one.check = countLines(command, output)
      } catch (thrown) {
        one.absent = `failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`
        one.samples.length = 0
      }
    }
  }
  return timed.map(({ command, samples, absent, check }) => ({ row: { peer: command.name, samples, absent }, check }))
}

function absence(command: Command): string | null {
  const script = command.arguments[0]!
  return script.endsWith('.js') && !existsSync(script) ? 'not there: build wiretape first' : null
}

function countLines(command: Command, output: string): Check {
  const lines = output.split('\n').filter((line) => line !== '').length
  return { ok: lines === command.lines, text: `${command.name}: ${lines} of ${command.lines} matching exchanges listed` }
}
