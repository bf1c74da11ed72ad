import type { Direction } from '../protocols/decoder.js'
import type { RecordedPiece } from '../recording/legs.js'
import { masksFact, masksTold } from '../recording/masking.js'
import type { Recording } from '../recording/recording.js'

export type Place = readonly [start: number, end: number]

/** A sentence on a recording that has something masked and doesn't tell where; null where it tells. */
export function untoldMasks(recording: Recording): string | null {
  const facts = recording.facts()
  if (facts['masked'] === undefined || facts[masksFact] === masksTold) return null
  return `${recording.path} has secrets masked by ${facts['masked']}, and is of an earlier version that did not tell where: what was masked is sent with asterisks`
}

/** Where secrets were masked in one direction before they were recorded, as the recorder has told: asterisks elsewhere came from the wire. */
export class MaskedPlaces {
  /** The recording tells. Those of earlier versions don't: asterisks in them may be anything. */
  readonly told: boolean
  readonly #received = new Map<number, Place[]>()
  /** Of what was sent instead: where that begins that it stands for. */
  readonly #sent = new Map<number, Set<number>>()

  constructor(recording: Recording, direction: Direction) {
    this.told = recording.facts()[masksFact] === masksTold
    for (const { kind, connectionId, offset, bytes } of recording.events({ where: `kind IN ('masked', 'masked-sent') AND direction = '${direction}'` })) {
      if (connectionId === null || offset === null || bytes === null) continue
      if (kind === 'masked') listIn(this.#received, connectionId).push([offset, offset + bytes])
      else if (this.#sent.has(connectionId)) this.#sent.get(connectionId)!.add(offset)
      else this.#sent.set(connectionId, new Set([offset]))
    }
    for (const places of this.#received.values()) places.sort(([one], [other]) => one - other)
  }

  /** There are any at all. */
  get some(): boolean {
    return this.#received.size + this.#sent.size > 0
  }

  any(connection: number): boolean {
    return this.#received.has(connection) || this.#sent.has(connection)
  }

  /** Stream offsets, in their order, of what was masked in what was received. */
  received(connection: number): readonly Place[] {
    return this.#received.get(connection) ?? []
  }

  /** What was masked of a piece, by places in it. */
  within(connection: number, { offset, bytes, leg }: RecordedPiece): Place[] {
    if (leg === 'sent') {
      // Which of its bytes they are wasn't told: those that are asterisks.
      if (this.#sent.get(connection)?.has(offset) !== true) return []
      return [...bytes.toString('latin1').matchAll(/\*+/g)].map(({ index, 0: { length } }) => [index, index + length])
    }
    const places = this.#received.get(connection) ?? []
    const found: Place[] = []
    for (let at = firstAfter(places, offset); at < places.length && places[at]![0] < offset + bytes.length; at++) {
      const [start, end] = places[at]!
      found.push([Math.max(0, start - offset), Math.min(bytes.length, end - offset)])
    }
    return found
  }
}

/** The first place that ends after this offset. */
function firstAfter(places: readonly Place[], offset: number): number {
  let [low, high] = [0, places.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (places[middle]![1] > offset) high = middle
    else low = middle + 1
  }
  return low
}

function listIn(all: Map<number, Place[]>, key: number): Place[] {
  let list = all.get(key)
  if (list === undefined) all.set(key, list = [])
  return list
}
