import { WiretapeError } from '../../error.js'
import type { Address } from '../../recording/notes.js'
import type { Recording, RecordedRelay } from '../../recording/recording.js'
import { parseListen } from '../../relay/address.js'
import type { Protocol } from '../../relay/address.js'

/** A listener as asked for, and the recorded relays that stand behind it. */
export interface Place {
  readonly protocol: Protocol
  readonly listen: Address
  readonly relays: readonly number[]
  /** What they led to. */
  readonly target: string
}

/**
 * Reads `LISTEN` or `LISTEN=WHICH`. WHICH is a recorded relay's target, where it listened (`host:port`, or the port alone), or its name (`http-8080`). It isn't
 * needed where all relays of the protocol led to one target; `all` takes them together.
 * @throws WiretapeError `usage`, naming those that there are.
 */
export function placeOf(protocol: Protocol, text: string, recording: Recording): Place {
  const option = `--${protocol} ${text}`
  const equals = text.indexOf('=')
  const listen = parseListen(equals < 0 ? text : text.slice(0, equals), option)
  const which = equals < 0 ? null : text.slice(equals + 1)
  const facts = recording.facts()
  const own = recording.relays().filter((relay) => relay.protocol === protocol).map((relay) => ({ ...relay, target: facts[askedInstead(relay.target)] ?? relay.target }))
  if (own.length === 0) {
    const others = [...new Set(recording.relays().map((relay) => relay.protocol))]
    throw new WiretapeError('usage', `${option}: ${recording.path} has no ${protocol}${others.length === 0 ? ': nothing was recorded' : `, only ${others.join(', ')}`}`)
  }
  const found = which === null || which === 'all' ? own : own.filter((relay) => isNamed(relay, which))
  const targets = [...new Set(found.map(({ target }) => target))]
  if (targets.length === 1 || which === 'all') return { protocol, listen, relays: found.map(({ id }) => id), target: targets.join(', ') }
  const choices = [...new Set(own.map(({ target }) => target))].map((target) => `--${protocol} ${text.slice(0, equals < 0 ? undefined : equals)}=${target}`)
  throw new WiretapeError('usage', found.length === 0
    ? `${option}: no recorded ${protocol} relay is named ${which}; there are: ${own.map((relay) => `${nameOf(relay)} (${relay.listen} → ${relay.target})`).join(', ')}`
    : `${option}: ${targets.length} recorded relays could be meant: name one by its target: ${choices.join(', or ')}; or =all for all of them`)
}

/** Facts for a recording that goes on: what `live` says now stands for what `target` said. */
export function inPlaceOf(target: string, live: string): Readonly<Record<string, string>> {
  return target === live ? {} : { [askedInstead(live)]: target }
}

function askedInstead(live: string): string {
  return `asked instead: ${live}`
}

export function isNamed(relay: RecordedRelay, which: string): boolean {
  const { listen, target } = relay
  return [target, target.replace(/^https?:\/\//, ''), listen, listen.slice(listen.lastIndexOf(':') + 1), nameOf(relay)].includes(which)
}

export function nameOf({ protocol, listen }: RecordedRelay): string {
  return `${protocol}-${listen.slice(listen.lastIndexOf(':') + 1)}`
}
