/**
 * Gives a map's keys from the one that was set longest ago, each to be deleted by who gets it. One iterator goes on all the time: a new
 * one would pass over all that was deleted since the map was last made anew, thousands of times.
 */
export class OldestKey<Key> {
  readonly #map: ReadonlyMap<Key, unknown>
  #keys: Iterator<Key>

  constructor(map: ReadonlyMap<Key, unknown>) {
    this.#map = map
    this.#keys = map.keys()
  }

  /** @returns undefined where the map is empty. */
  next(): Key | undefined {
    const next = this.#keys.next()
    if (next.done !== true) return next.value
    // Once it has come to an end, an iterator gives nothing more.
    this.#keys = this.#map.keys()
    return this.#keys.next().value
  }
}
