import type { Session } from '../bench.js'
import { loopback } from '../ports.js'
import { pathOf } from '../programs.js'

/** Longest that a mirror may take, in s. */
const patience = 300

/** Fetches everything the server has into a folder. @returns the seconds it took, with the program's start. */
export async function mirror({ processes }: Session, port: number, folder: string, connections: number): Promise<number> {
  const start = performance.now()
  await processes.run(pathOf('lftp'), ['--norc', '-c', [
    // One that fails is a finding, not to be tried again until it succeeds.
    'set cmd:fail-exit yes', 'set net:max-retries 1', 'set net:timeout 20', 'set xfer:use-temp-file no',
    `open ftp://${loopback}:${port}`, `mirror --parallel=${connections} . ${folder}`,
  ].join('; ')], patience)
  return (performance.now() - start) / 1000
}
