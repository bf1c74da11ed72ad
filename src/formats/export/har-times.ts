import type { ConnectionRecord, HttpExchange } from '../../recording/rows.js'

/** In ms; -1 is what isn't known or didn't happen. They add up to the entry's time, without those. */
export interface HarTimings {
  readonly blocked: number
  readonly dns: number
  readonly connect: number
  readonly send: number
  readonly wait: number
  readonly receive: number
}

/**
 * What the time of an exchange went to, as its client saw it. Dialling the server counts as far as the request was waiting for it.
 * @param sent when the last of the request came, in µs; null where none did.
 */
export function harTimings({ started, firstByte, ended }: HttpExchange, connection: ConnectionRecord | null, sent: number | null): HarTimings {
  const dialled = connection?.connected ?? null
  // Whatever clock told the times, none of them was before the beginning.
  const end = Math.max(started, ended ?? firstByte ?? sent ?? started)
  const waits = dialled !== null && dialled > started
  const begun = waits ? Math.min(dialled, end) : started
  const answered = Math.max(begun, Math.min(firstByte ?? end, end))
  // A server may answer before it has read all.
  const said = Math.max(begun, Math.min(sent ?? begun, answered))
  return { blocked: -1, dns: -1, connect: waits ? ms(begun - started) : -1, send: ms(said - begun), wait: ms(answered - said), receive: ms(end - answered) }
}

export function totalOf(timings: HarTimings): number {
  return ms(Object.values(timings as unknown as Record<string, number>).reduce((sum, part) => sum + (part < 0 ? 0 : Math.round(part * 1000)), 0))
}

/** µs since the epoch as ISO 8601, with all of their digits. */
export function isoTime(time: number): string {
  return new Date(Math.floor(time / 1000)).toISOString().replace(/\d{3}Z$/, `${String(Math.floor(time) % 1_000_000).padStart(6, '0')}Z`)
}

function ms(microseconds: number): number {
  return microseconds / 1000
}
