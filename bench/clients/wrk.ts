import { writeFileSync } from 'node:fs'
import type { Session } from '../bench.js'
import { loopback } from '../ports.js'
import { pathOf } from '../programs.js'

export interface Load {
  /** Requests answered, with whatever status. */
  readonly requests: number
  readonly microseconds: number
  /** Answers that were no success, and sockets that failed or timed out. */
  readonly errors: number
}

/** wrk's own report is made for people; its hook for the end of a run has the same figures whole. */
const reportAsJson = `
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n@{"requests":%d,"microseconds":%d,"errors":%d}\\n', summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`

/** Asks for one path. */
export function wrk(session: Session, port: number, path: string, connections: number, seconds: number): Promise<Load> {
  return start(session, port, path, reportAsJson, connections, seconds)
}

/** Asks for one path after the other, and begins anew. */
export function wrkOver(session: Session, port: number, paths: readonly string[], connections: number, seconds: number): Promise<Load> {
  const list = paths.map((path) => `'${path}'`).join(',')
  return start(session, port, paths[0]!, `local paths = {${list}}\nlocal n = 0\nrequest = function() n = n % #paths + 1; return wrk.format('GET', paths[n]) end\n${reportAsJson}`, connections, seconds)
}

async function start({ processes, scratch }: Session, port: number, path: string, lua: string, connections: number, seconds: number): Promise<Load> {
  const script = scratch.fresh('report.lua')
  writeFileSync(script, lua)
  const output = await processes.run(pathOf('wrk'), [
    '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script, `http://${loopback}:${port}${path}`,
  ], seconds + 30)
  const line = output.split('\n').find((text) => text.startsWith('@'))
  if (line === undefined) throw new Error(`wrk did not report: ${output}`)
  return JSON.parse(line.slice(1)) as Load
}
