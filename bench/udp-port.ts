import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { loopback } from './ports.js'
import type { RunningProcess } from './processes.js'

const startPatience = 30_000
const askEvery = 50

/** For programs that can't pick one themselves and tell. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, loopback)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

/** Waits until a datagram comes back from the echo server behind the process. @throws where none does, or the process ends. */
export async function answering(port: number, running: RunningProcess): Promise<void> {
  const socket = createSocket('udp4')
  // While nobody listens, the system says so here.
  socket.on('error', () => {})
  const asking = setInterval(() => socket.send('?', port, loopback, () => {}), askEvery)
  const late = AbortSignal.timeout(startPatience)
  try {
    await Promise.race([once(socket, 'message', { signal: late }), running.ended])
  } catch {
    running.kill()
    throw new Error(`no datagram came back from port ${port} within ${startPatience / 1000} s: ${running.complaint}`)
  } finally {
    clearInterval(asking)
    socket.close()
  }
  if (running.over) throw new Error(`it ended before it was ready: ${running.complaint}`)
}
