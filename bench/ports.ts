import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningProcess } from './processes.js'

export const loopback = '127.0.0.1'

const startPatience = 30_000

/** For programs that can't pick one themselves and tell. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, loopback)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Waits until the process accepts connections. @throws where it ends before, or takes half a minute. */
export async function accepting(port: number, running: RunningProcess, host = loopback): Promise<void> {
  for (const start = Date.now(); Date.now() - start < startPatience; await sleep(20)) {
    if (running.over) throw new Error(`it ended before it was ready: ${running.complaint}`)
    if (await accepts(port, host)) return
  }
  running.kill()
  throw new Error(`it accepted no connection on port ${port} within ${startPatience / 1000} s: ${running.complaint}`)
}

function accepts(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
