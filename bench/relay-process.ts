import { startRelay } from '../src/index.js'
import type { RelayOptions } from '../src/index.js'

/*
 * The relay under test in a process of its own, as a user would run it. Argument: the options of `startRelay` as JSON.
 * Prints `{"port"}` when it listens; on SIGTERM stops and prints `{"stats", "failure", "peakMemory"}` (bytes).
 */

const relay = await startRelay(JSON.parse(process.argv[2]!) as RelayOptions)

process.once('SIGTERM', () => {
  void relay.stop().then(() => {
    process.stdout.write(`${JSON.stringify({
      stats: relay.stats(),
      failure: relay.failure?.message ?? null,
      peakMemory: process.resourceUsage().maxRSS * 1024,
    })}\n`)
  })
})

process.stdout.write(`${JSON.stringify({ port: relay.port })}\n`)
