import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { installed } from '../real/installed.js'
import { Lines, start } from '../real/program.js'
import { settled, within } from '../real/deadline.js'
import { temporaryFolder } from '../real/temporary-folder.js'

/** It takes root to capture. */
export const canCapture = installed('tcpdump') && process.getuid?.() === 0

export interface Capturing {
  /** Stops when everything that came is in the file. @returns its path. */
  stopped(): Promise<string>
}

/** tcpdump on loopback, begun. @param filter as tcpdump takes it: `port 8080`. */
export async function capturing(t: ExecutionContext, filter: string, more: readonly string[] = []): Promise<Capturing> {
  const path = join(temporaryFolder(t), 'real.pcap')
  const tcpdump = start(t, 'tcpdump', ['-U', '--immediate-mode', '-B', '16384', '-i', 'lo', '-w', path, ...more, filter])
  const ended = new Promise<void>((resolve) => tcpdump.once('close', () => resolve()))
  await new Lines(tcpdump.stderr).next(/listening on/)
  return {
    stopped: async () => {
      // Asked to end, it reads what the system has kept for it.
      await settled(() => statSync(path).size, 1500)
      tcpdump.kill('SIGINT')
      await within(ended, 'tcpdump to end')
      return path
    },
  }
}
