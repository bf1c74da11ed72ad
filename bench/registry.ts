import type { Bench } from './bench.js'
import { body } from './suite/body.js'
import { latency } from './suite/latency.js'
import { ls } from './suite/ls.js'
import { memory } from './suite/memory.js'
import { requests } from './suite/requests.js'

/** Every bench, in the order in which they run. */
export const benches: readonly Bench[] = [requests, body, latency, memory, ls]
