import { WiretapeError } from '../../error.js'
import type { Recording, RecordedRelay } from '../../recording/recording.js'
import type { Protocol } from '../../relay/address.js'
import { isNamed, nameOf } from '../serve/recorded-relays.js'

/** Recorded relays whose clients are repeated: of one protocol, and of one target. */
export interface ChosenRelays {
  readonly protocol: Protocol
  readonly ids: readonly number[]
  /** Of their connections. */
  readonly connections: ReadonlySet<number>
}

/**
 * Which of the recorded relays is meant. What isn't said is no question where there is one answer to it.
 * @throws WiretapeError `usage`, naming those that there are.
 */
export function chooseRelays(recording: Recording, to: string, protocol: Protocol | undefined, which: string | undefined): ChosenRelays {
  const used = new Map<number, Set<number>>()
  for (const { id, relayId, parentId } of recording.connections()) {
    if (parentId !== null) continue
    const ids = used.get(relayId)
    if (ids === undefined) used.set(relayId, new Set([id]))
    else ids.add(id)
  }
  const all = recording.relays()
  if (all.length === 0 || used.size === 0) throw new WiretapeError('usage', `${recording.path} has nothing to send: nothing was recorded`)
  if (protocol !== undefined && !['http', 'tcp', 'udp', 'ftp'].includes(protocol)) throw new WiretapeError('usage', `--protocol ${protocol}: expected http, tcp, udp or ftp`)
  let found = all.filter((relay) => used.has(relay.id))
  const narrow = (option: string, fits: (relay: RecordedRelay) => boolean): void => {
    const left = found.filter(fits)
    if (left.length === 0) throw new WiretapeError('usage', `${option}: ${recording.path} has no such traffic, only ${listed(found)}`)
    found = left
  }
  if (protocol !== undefined) narrow(`--protocol ${protocol}`, (relay) => relay.protocol === protocol)
  if (which !== undefined) narrow(`--relay ${which}`, (relay) => isNamed(relay, which))
  // A URL is for HTTP, whatever else was recorded.
  if (protocol === undefined && /^https?:\/\//i.test(to)) narrow(`--to ${to}`, (relay) => relay.protocol === 'http')
  const targets = new Set(found.map(({ protocol, target }) => `${protocol} ${target}`))
  if (targets.size > 1) throw new WiretapeError('usage', `${recording.path} has traffic of several relays: name one by --relay, by its name or its target: ${listed(found)}`)
  return {
    protocol: found[0]!.protocol as Protocol, ids: found.map(({ id }) => id),
    connections: new Set(found.flatMap(({ id }) => [...used.get(id) ?? []])),
  }
}

function listed(relays: readonly RecordedRelay[]): string {
  // One that was switched off and on, or moved and moved back, is there more than once.
  return [...new Set(relays.map((relay) => `${nameOf(relay)} (${relay.protocol} ${relay.listen} → ${relay.target})`))].join(', ')
}
