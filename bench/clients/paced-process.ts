import { Agent, request } from 'node:http'

/*
 * Asks so many times a second, evenly, over as many connections as that takes. Arguments: port, rate, seconds.
 */

const [port, rate, seconds] = process.argv.slice(2).map(Number) as [number, number, number]
const agent = new Agent({ keepAlive: true, maxSockets: 16 })
const since = performance.now()
const waiting: Promise<void>[] = []
for (let n = 0; n < rate * seconds; n++) {
  const left = since + n / rate * 1000 - performance.now()
  if (left > 0.5) await new Promise((resolve) => { setTimeout(resolve, left) })
  waiting.push(new Promise((resolve, reject) => {
    request({ agent, host: '127.0.0.1', port, path: `/item/${n % 1000}` }, (response) => response.resume().once('end', resolve)).once('error', reject).end()
  }))
}
await Promise.all(waiting)
agent.destroy()
