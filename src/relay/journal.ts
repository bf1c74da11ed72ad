import { microseconds } from '../recording/clock.js'
import type { PluginEvent } from '../plugins/connection-plugins.js'
import type { ConnectionInfo } from '../plugins/messages.js'

/** One thing that a plugin or a fault did. */
export interface JournalEntry {
  /** Grows by one with each entry. */
  readonly number: number
  /** µs since the epoch. */
  readonly time: number
  /** The plugin, or what the fault was named. */
  readonly fault: string
  /** The plugin and its options, as on the command line. */
  readonly parameters: string | null
  /** `delayed`, `answered`, `plugin-reset`, `fault` … */
  readonly kind: string
  readonly hook: string
  readonly text: string
  readonly protocol: ConnectionInfo['protocol']
  /** Ordinal of its relay, from 0, and of the connection on it, from 1. */
  readonly relay: number
  readonly connection: number
  readonly direction: 'up' | 'down' | null
  /** Ordinal of the message on its connection, where it was about one. */
  readonly message: number | null
  readonly bytes: number | null
  readonly delayMs: number | null
}

/** The newest so many are kept. */
const mostKept = 10_000

/** What plugins and faults did, kept in memory: the recording has the same as events. */
export class Journal {
  #entries: JournalEntry[] = []
  #number = 0

  add(info: ConnectionInfo, { kind, source, parameters, hook, text, direction, message, bytes, delayMs }: PluginEvent): void {
    this.#entries.push({
      number: ++this.#number, time: microseconds(), fault: source, parameters: parameters ?? null, kind, hook, text,
      protocol: info.protocol, relay: info.relay, connection: info.ordinal,
      direction: direction ?? null, message: message ?? null, bytes: bytes ?? null, delayMs: delayMs ?? null,
    })
    if (this.#entries.length > 2 * mostKept) this.#entries = this.#entries.slice(-mostKept)
  }

  /** The newest entries in their order. @param after only those with a larger number. */
  entries(after = 0): readonly JournalEntry[] {
    return this.#entries.slice(-mostKept).filter(({ number }) => number > after)
  }
}
