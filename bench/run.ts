import { cpus } from 'node:os'
import type { Bench, Session } from './bench.js'
import { readOptions, usage, UsageError } from './options.js'
import type { Options } from './options.js'
import { Processes } from './processes.js'
import { isInstalled, versionOf } from './programs.js'
import { benches } from './registry.js'
import { outcomeAsJson } from './report/json.js'
import { allWell } from './report/judge.js'
import { formatOutcome } from './report/text.js'
import { Scratch } from './scratch.js'

process.exitCode = await main(process.argv.slice(2))

async function main(arguments_: readonly string[]): Promise<number> {
  let options: Options
  try {
    options = readOptions(arguments_, benches)
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown
    process.stderr.write(`${thrown.message}\n\n${usage}\n`)
    return 2
  }
  if (options.help) {
    const width = Math.max(...benches.map(({ name }) => name.length))
    process.stdout.write(`${usage}\n\n${benches.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`).join('\n')}\n`)
    return 0
  }
  return run(options)
}

async function run(options: Options): Promise<number> {
  const session: Session = {
    processes: new Processes(), scratch: new Scratch(), rounds: options.rounds, seconds: options.seconds,
    say: (text) => process.stderr.write(`${text}\n`),
  }
  cleanUpHoweverItEnds(session)
  const machine = describeMachine(options.benches)
  if (!options.json) process.stdout.write(`${machine.join('\n')}\n`)
  const results: object[] = []
  let well = true
  for (const bench of options.benches) {
    const { ok, json, text } = await runBench(session, bench)
    well &&= ok
    results.push(json)
    if (!options.json) process.stdout.write(`\n${text}\n`)
  }
  if (options.json) {
    const { rounds, seconds } = options
    process.stdout.write(`${JSON.stringify({ machine, rounds, seconds, ok: well, results }, null, 2)}\n`)
  }
  return well ? 0 : 1
}

/** A bench that can't run or fails doesn't stop the others. */
async function runBench(session: Session, bench: Bench): Promise<{ ok: boolean, json: object, text: string }> {
  const { name } = bench
  const missing = bench.needs.filter((program) => !isInstalled(program))
  if (missing.length > 0) {
    const skipped = `${missing.join(' and ')} not installed`
    return { ok: true, json: { bench: name, skipped }, text: `${name}: skipped, ${skipped}` }
  }
  session.say(name)
  try {
    const outcome = await bench.run(session)
    return { ok: allWell(outcome), json: outcomeAsJson(bench, outcome), text: formatOutcome(bench, outcome) }
  } catch (thrown) {
    session.processes.killAll()
    const failed = thrown instanceof Error ? thrown.message : String(thrown)
    return { ok: false, json: { bench: name, ok: false, failed }, text: `${name}: FAILED, ${failed}` }
  }
}

function describeMachine(chosen: readonly Bench[]): string[] {
  const cores = cpus()
  const used = [...new Set(chosen.flatMap(({ needs, compares }) => [...needs, ...compares]))]
  return [
    `${cores.length} cores (${cores[0]?.model.trim() ?? 'unknown'}), ${process.platform} ${process.arch}, Node ${process.versions.node}`,
    ...(used.length === 0 ? [] : [used.map((program) => `${program} ${versionOf(program) ?? 'NOT INSTALLED: skipped'}`).join(', ')]),
  ]
}

function cleanUpHoweverItEnds({ processes, scratch }: Session): void {
  process.on('exit', () => {
    processes.killAll()
    scratch.remove()
  })
  for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]] as const) {
    process.on(signal, () => {
      process.stderr.write('interrupted\n')
      process.exit(128 + number)
    })
  }
}
