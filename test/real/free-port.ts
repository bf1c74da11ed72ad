import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { threadId } from 'node:worker_threads'

/** Files of tests run beside one another, each in a thread of its own, and are given ports of different ranges. */
const width = 1500
const lowest = 20_000 + threadId % 8 * width
const given = new Set<number>()

/**
 * A port that nothing listens on, and that nothing will be given that asks for any free port: it is below the range
 * from which systems take those (32768 on Linux, 49152 elsewhere), so tests that run at the same time can't get it. None is given twice.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, lowest + width)
    if (given.has(port)) continue
    given.add(port)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}
