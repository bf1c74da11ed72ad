import type { ExecutionContext } from 'ava'
import { startControl } from 'wiretape'
import type { Control, Relay, RelayOptions } from 'wiretape'
import { relaying } from '../real/relaying.js'

export interface Asked {
  readonly status: number
  readonly type: string | null
  readonly text: string
}

export interface Controlled {
  readonly relay: Relay
  readonly control: Control
  readonly url: string
  /** One call of the API. A body that isn't bytes or text is sent as JSON, with no Content-Type: clients forget it too. */
  ask(method: string, path: string, body?: unknown): Promise<Asked>
}

/** A relay and its control port, both gone when the test is over. */
export async function controlled(t: ExecutionContext, options: RelayOptions = {}): Promise<Controlled> {
  const relay = await relaying(t, { empty: true, seed: 7, ...options })
  const control = await startControl(relay, { port: 0 })
  t.teardown(() => control.close())
  const { url } = control
  return {
    relay, control, url,
    ask: async (method, path, body) => {
      const bytes = body === undefined ? null : Buffer.isBuffer(body) ? new Uint8Array(body) : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))
      const response = await fetch(`${url}${path}`, bytes === null ? { method } : { method, body: bytes })
      return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
    },
  }
}

/** How long something took, in ms. */
export async function timed(work: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work
  return performance.now() - start
}
