import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { Readable } from 'node:stream'
import type { ExecutionContext } from 'ava'
import { openRecording, startRelay } from 'wiretape'
import type { ConnectionRecord, HttpExchange, Recording, Relay, RelayOptions } from 'wiretape'
import { temporaryFolder } from './temporary-folder.js'

/** A relay that is stopped when the test is over. */
export async function relaying(t: ExecutionContext, options: RelayOptions): Promise<Relay> {
  const relay = await startRelay({ onProblem: (message) => t.log(message), ...options })
  t.teardown(() => relay.stop({ grace: 0 }))
  return relay
}

export interface Taped {
  readonly relay: Relay
  readonly port: number
  readonly path: string
  /** Stops the relay and opens what it recorded. */
  recorded(): Promise<Recording>
}

/** A relay that records into a folder of its own. */
export async function taping(t: ExecutionContext, options: RelayOptions): Promise<Taped> {
  const path = join(temporaryFolder(t), 'test.sqlite')
  const record = typeof options.record === 'object' ? { path, ...options.record } : path
  const relay = await relaying(t, { ...options, record })
  return {
    relay, path, port: relay.port,
    recorded: async () => {
      await relay.stop()
      return opening(t, path)
    },
  }
}

/** A recording that is closed when the test is over. */
export function opening(t: ExecutionContext, path: string): Recording {
  const recording = openRecording(path)
  t.teardown(() => recording.close())
  return recording
}

export async function bytesOf(stream: Readable): Promise<Buffer> {
  return buffer(stream)
}

export async function textOf(stream: Readable): Promise<string> {
  return (await buffer(stream)).toString('latin1')
}

export function onlyConnection(recording: Recording): ConnectionRecord {
  return only([...recording.connections()])
}

export function onlyExchange(recording: Recording): HttpExchange {
  return only([...recording.exchanges()])
}

function only<T>(found: readonly T[]): T {
  if (found.length !== 1) throw new Error(`expected one, found ${found.length}: ${JSON.stringify(found, null, 1)}`)
  return found[0]!
}
