import type { Bench } from './bench.js'
import { body } from './suite/body.js'
import { faultAccuracy } from './suite/fault-accuracy.js'
import { faults } from './suite/faults.js'
import { formats } from './suite/formats.js'
import { ftpSessions } from './suite/ftp-sessions.js'
import { ftp } from './suite/ftp.js'
import { latency } from './suite/latency.js'
import { ls } from './suite/ls.js'
import { memory } from './suite/memory.js'
import { plugins } from './suite/plugins.js'
import { requests } from './suite/requests.js'
import { send } from './suite/send.js'
import { serve } from './suite/serve.js'
import { udp } from './suite/udp.js'

/** Every bench, in the order in which they run. */
export const benches: readonly Bench[] = [requests, body, latency, memory, plugins, faults, faultAccuracy, ls, ftp, ftpSessions, udp, serve, send, formats]
