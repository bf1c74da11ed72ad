import type { ExecutionContext } from 'ava'
import { until } from './deadline.js'
import { freePort } from './free-port.js'
import { connectTo } from './peer.js'
import type { Peer } from './peer.js'
import { start } from './program.js'
import { temporaryFolder } from './temporary-folder.js'

export interface Redis {
  readonly port: number
  /** Resolves when it is gone. */
  stop(): Promise<void>
}

/** A redis-server that keeps nothing, gone when the test is over. */
export async function redisServer(t: ExecutionContext): Promise<Redis> {
  const port = await freePort()
  const child = start(t, 'redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', temporaryFolder(t)])
  child.stdout.resume()
  await until(async () => {
    try {
      return (await (await connectTo(t, port)).write(resp('PING')).through('PONG\r\n')) !== ''
    } catch {
      return false
    }
  }, 'redis-server to answer')
  return {
    port,
    stop: async () => {
      const gone = new Promise((resolve) => child.once('close', resolve))
      child.kill()
      await gone
    },
  }
}

/** A command as Redis clients write it. */
export function resp(...words: readonly string[]): Buffer {
  return Buffer.from(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
}

/** Says commands to Redis, a batch at a time, and reads as many replies as it said commands. Replies are lines, bulk strings and arrays of them. */
export async function talk(peer: Peer, ...batches: readonly (readonly (readonly string[])[])[]): Promise<string[]> {
  const replies: string[] = []
  for (const batch of batches) {
    peer.write(...batch.map((words) => resp(...words)))
    for (const _ of batch) replies.push(await readReply(peer))
  }
  return replies
}

async function readReply(peer: Peer): Promise<string> {
  const line = await peer.through('\r\n')
  const length = Number(line.slice(1))
  if (line.startsWith('$') && length >= 0) return (await peer.take(length + 2)).toString('latin1').slice(0, -2)
  if (!line.startsWith('*')) return line.trimEnd()
  const parts: string[] = []
  for (let part = 0; part < length; part++) parts.push(await readReply(peer))
  return `[${parts.join(', ')}]`
}
