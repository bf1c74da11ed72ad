import { fileURLToPath } from 'node:url'
import type { Session } from '../bench.js'

/** Microseconds from sending a request to having its whole answer. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

const script = fileURLToPath(new URL('latency-process.js', import.meta.url))

/** Requests one after the other on one connection, after as many to warm up as the client and the peer need. */
export async function latencyOf({ processes }: Session, port: number, path: string, requests: number): Promise<Latency> {
  return JSON.parse(await processes.run(process.execPath, [script, String(port), path, String(requests)], 120)) as Latency
}
