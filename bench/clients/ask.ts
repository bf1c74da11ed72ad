import { Agent, request } from 'node:http'
import { loopback } from '../ports.js'

/** Asks for each path once, one after the other on one connection. @throws where an answer isn't a 200. */
export async function askForEach(port: number, paths: readonly string[]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    for (const path of paths) {
      await new Promise<void>((resolve, reject) => {
        request({ agent, host: loopback, port, path }, (response) => {
          if (response.statusCode !== 200) reject(new Error(`${path} was answered with ${response.statusCode}`))
          response.resume().once('end', resolve)
        }).once('error', reject).end()
      })
    }
  } finally {
    agent.destroy()
  }
}
