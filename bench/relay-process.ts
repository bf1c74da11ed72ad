import { readFileSync } from 'node:fs'
import { startRelay } from '../src/index.js'
import { benchPlugins } from './bench-plugins.js'
import type { BenchPlugin } from './bench-plugins.js'
import type { AnyPlugin, RelayOptions } from '../src/index.js'

/*
 * The relay under test in a process of its own, as a user would run it. Argument: the options of `startRelay` as JSON, with `plugin` for one of the bench's and
 * `gone` for faults that are injected and taken out again.
 * Prints `{"port"}` when it listens; on SIGTERM stops and prints `{"stats", "failure", "peakMemory"}` (bytes).
 */

const { plugin, gone = [], ...options } = JSON.parse(process.argv[2]!) as RelayOptions & { readonly plugin?: BenchPlugin, readonly gone?: readonly string[] }
const relay = await startRelay(plugin === undefined ? options : { ...options, plugins: [benchPlugins[plugin]] })

for (const name of gone) {
  const { default: fault } = await import(`../plugins/${name}.js`) as { readonly default: AnyPlugin }
  relay.inject(fault).remove()
}

process.once('SIGTERM', () => {
  void relay.stop().then(() => {
    process.stdout.write(`${JSON.stringify({
      stats: relay.stats(),
      failure: relay.failure?.message ?? null,
      peakMemory: peakMemory(),
    })}\n`)
  })
})

process.stdout.write(`${JSON.stringify({ port: relay.port })}\n`)

/** Bytes. Linux counts into `maxRSS` what the process had that started this one, up to when it became another program; `VmHWM` is its own. */
function peakMemory(): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024
  } catch {
    return process.resourceUsage().maxRSS * 1024
  }
}
