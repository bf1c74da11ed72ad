import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { serveRecording } from 'wiretape'
import type { RecordingServer, RelayOptions, ServeOptions } from 'wiretape'
import { taping } from '../real/relaying.js'

export interface RecordedRun<T> {
  /** Of the recording. */
  readonly path: string
  /** Where the relay listened, and nobody does any more. */
  readonly port: number
  readonly target: string
  /** What the clients got. */
  readonly result: T
}

/** Records what clients do with a server of Node's, and stops both: from then on only the recording can answer. */
export async function recordedHttp<T>(t: ExecutionContext, answer: RequestListener, clients: (port: number) => Promise<T>, options: RelayOptions = {}): Promise<RecordedRun<T>> {
  const server = createServer(answer)
  // Longer than a busy machine takes from one request to the next.
  server.keepAliveTimeout = 600_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const tape = await taping(t, { http: `0=${target}`, ...options })
    const result = await clients(tape.port)
    ;(await tape.recorded()).close()
    return { path: tape.path, port: tape.port, target, result }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** A server that stands in, stopped when the test is over. */
export async function serving(t: ExecutionContext, path: string, options: ServeOptions): Promise<RecordingServer> {
  const server = await serveRecording(path, { onProblem: (message) => t.log(message), ...options })
  t.teardown(() => server.stop())
  return server
}
