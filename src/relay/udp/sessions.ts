import type { Address } from '../../recording/notes.js'
import type { UdpSession } from './session.js'

/** A session's place in the line of those that may be retired. */
export interface Place {
  readonly client: Address
  readonly session: UdpSession
  longerIdle: Place | null
  lessIdle: Place | null
}

/**
 * Open sessions, by their client and by how long they have been idle. Each datagram looks here, so what is done for one makes
 * nothing: no key is written out of host and port, and a session changes places by its neighbours alone.
 */
export class Sessions {
  readonly #places = new Map<string, Map<number, Place>>()
  #size = 0
  #longestIdle: Place | null = null
  #newest: Place | null = null

  get size(): number {
    return this.#size
  }

  get longestIdle(): UdpSession | null {
    return this.#longestIdle?.session ?? null
  }

  find(host: string, port: number): Place | undefined {
    return this.#places.get(host)?.get(port)
  }

  add(client: Address, session: UdpSession): Place {
    const place: Place = { client, session, longerIdle: null, lessIdle: null }
    const ofHost = this.#places.get(client.host)
    if (ofHost === undefined) this.#places.set(client.host, new Map([[client.port, place]]))
    else ofHost.set(client.port, place)
    this.#size++
    this.#append(place)
    return place
  }

  used(place: Place): void {
    if (this.#newest === place) return
    this.#unlink(place)
    this.#append(place)
  }

  remove(place: Place): void {
    const { host, port } = place.client
    const ofHost = this.#places.get(host)
    if (ofHost?.get(port) !== place) return
    ofHost.delete(port)
    if (ofHost.size === 0) this.#places.delete(host)
    this.#size--
    this.#unlink(place)
  }

  /** All of them, the longest idle first; each may be removed meanwhile. */
  * [Symbol.iterator](): IterableIterator<UdpSession> {
    for (let place = this.#longestIdle; place !== null;) {
      const next: Place | null = place.lessIdle
      yield place.session
      place = next
    }
  }

  #append(place: Place): void {
    place.longerIdle = this.#newest
    place.lessIdle = null
    if (this.#newest === null) this.#longestIdle = place
    else this.#newest.lessIdle = place
    this.#newest = place
  }

  #unlink({ longerIdle, lessIdle }: Place): void {
    if (longerIdle === null) this.#longestIdle = lessIdle
    else longerIdle.lessIdle = lessIdle
    if (lessIdle === null) this.#newest = longerIdle
    else lessIdle.longerIdle = longerIdle
  }
}
