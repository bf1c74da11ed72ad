import type { RelayAddress } from '../../relay/address.js'
import type { RelayListener } from '../../relay/listeners.js'
import type { Relay } from '../../relay/relay.js'
import { arrayOf, fieldOf, readFields } from '../go-fields.js'
import { writeJson } from '../json-text.js'
import type { Json } from '../json-text.js'
import { moveRelay } from '../move-relay.js'
import type { Turns } from '../turns.js'
import { badBody, listening, missingField, proxyExists, proxyNotFound, toToxiproxyError, ToxiproxyError } from './errors.js'
import { listenText, readListen } from './listen-text.js'
import type { ListenPlace } from './listen-text.js'
import type { ToxicInput, Toxics } from './toxics.js'
import { readUpstream, upstreamText } from './upstream.js'

/** What became of a list of proxies: those that are there now, and what ended it early. */
export interface Populated {
  readonly proxies: readonly RelayListener[]
  readonly error: ToxiproxyError | null
}

const fields = { name: 'string', listen: 'string', upstream: 'string', enabled: 'bool' } as const
const struct = { value: 'Go value of type toxiproxy.Proxy', field: 'Proxy' }

/** The relays that carry TCP, whoever made them, as the Toxiproxy API sees them. */
export class Proxies {
  readonly #relay: Relay
  readonly #toxics: Toxics
  readonly #turns: Turns

  constructor(relay: Relay, toxics: Toxics, turns: Turns) {
    this.#relay = relay
    this.#toxics = toxics
    this.#turns = turns
  }

  /** By name, in the order of their bytes. */
  all(): RelayListener[] {
    return this.#relay.listeners.filter(({ protocol }) => protocol !== 'udp').toSorted((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)))
  }

  /** @throws ToxiproxyError 404. */
  get(name: string): RelayListener {
    const found = this.all().find((listener) => listener.name === name)
    if (found === undefined) throw proxyNotFound()
    return found
  }

  /** @throws ToxiproxyError. */
  async create(body: Json): Promise<RelayListener> {
    const { name = '', listen = '', upstream = '', enabled = true } = readFields(body, fields, struct)
    if (name === '') throw missingField('name')
    if (upstream === '') throw missingField('upstream')
    const place = await readListen(listen)
    return this.#turns.take(() => this.#add(name, place, upstream, enabled))
  }

  /** What isn't named stays as it is. @throws ToxiproxyError; all is as it was then. */
  async update(listener: RelayListener, body: Json): Promise<void> {
    const { listen, upstream, enabled } = readFields(body, fields, struct)
    if (upstream === '') throw missingField('upstream')
    const before = listenText(listener)
    const place = await readListen(listen ?? before)
    await this.#turns.take(async () => {
      // A call before this one may have moved it.
      const now = listenText(listener)
      const at = listen === undefined && now !== before ? await readListen(now) : place
      await this.#apply(listener, at, upstream ?? upstreamText(this.#addressOf(listener)), enabled ?? listener.enabled)
    })
  }

  async remove(listener: RelayListener): Promise<void> {
    await this.#turns.take(() => this.#relay.remove(listener))
  }

  /** All of them are checked before any is made. @throws ToxiproxyError: nothing was made. */
  async populate(body: Json): Promise<Populated> {
    const inputs = arrayOf(body, 'Go value of type []toxiproxy.Proxy').map((one) => ({
      ...readFields(one, fields, struct),
      toxics: arrayOf(fieldOf(one, 'toxics'), 'Go struct field Proxy.toxics of type []toxics.ToxicWrapper'),
    }))
    for (const [index, { name = '', upstream = '' }] of inputs.entries()) {
      if (name === '') throw missingField(`name at proxy ${index + 1}`)
      if (upstream === '') throw missingField(`upstream at proxy ${index + 1}`)
    }
    const toxics = inputs.map((input, index) => input.toxics.map((toxic, place) => this.#readToxic(toxic, `toxic ${place + 1} at proxy ${index + 1}`)))
    const places = await Promise.all(inputs.map(({ listen = '' }) => readListen(listen).catch(toToxiproxyError)))
    return this.#turns.take(async () => {
      const proxies: RelayListener[] = []
      try {
        for (const [index, { name, upstream, enabled = true }] of inputs.entries()) {
          const place = places[index]!
          if (place instanceof ToxiproxyError) throw place
          const proxy = await this.#addOrReplace(name!, place, upstream!, enabled)
          for (const toxic of toxics[index]!) this.#putToxic(proxy, toxic)
          proxies.push(proxy)
        }
      } catch (thrown) {
        return { proxies, error: toToxiproxyError(thrown) }
      }
      return { proxies, error: null }
    })
  }

  /** Enables every proxy and removes all toxics. @throws ToxiproxyError: of the first that can't be enabled, once all else is done. */
  async reset(): Promise<void> {
    const errors: unknown[] = []
    for (const listener of this.all()) {
      try {
        if (!listener.enabled) await this.#enable(listener)
      } catch (thrown) {
        errors.push(thrown)
      }
      this.#toxics.clear(listener)
    }
    if (errors.length > 0) throw toToxiproxyError(errors[0])
  }

  async #enable(listener: RelayListener): Promise<void> {
    const place = await readListen(listenText(listener))
    await this.#turns.take(async () => {
      // Deleted while others were being switched on: there is nothing left to reset.
      if (this.#relay.addressOf(listener) !== null) await this.#apply(listener, place, upstreamText(this.#addressOf(listener)), true)
    })
  }

  json(listener: RelayListener): string {
    const upstream = upstreamText(this.#addressOf(listener))
    return `{"name":${writeJson(listener.name)},"listen":${writeJson(listenText(listener))},"upstream":${writeJson(upstream)},"enabled":${listener.enabled},"toxics":${this.#toxics.listJson(listener)}}`
  }

  #addressOf(listener: RelayListener): RelayAddress {
    const address = this.#relay.addressOf(listener)
    if (address === null) throw proxyNotFound()
    return address
  }

  async #add(name: string, place: ListenPlace, upstream: string, enabled: boolean): Promise<RelayListener> {
    if (this.#relay.listeners.some((listener) => listener.name === name)) throw proxyExists()
    const address: RelayAddress = { protocol: 'tcp', listen: enabled ? place.resolved : place.literal, target: readUpstream(upstream, null), unreachable: 'close' }
    return listening(place.resolved, () => this.#relay.add(address, name, { enabled }))
  }

  /** One that is there and the same is left alone, with its toxics, even if it is disabled. */
  async #addOrReplace(name: string, place: ListenPlace, upstream: string, enabled: boolean): Promise<RelayListener> {
    const existing = this.all().find((listener) => listener.name === name)
    if (existing === undefined) return this.#add(name, place, upstream, enabled)
    if (!this.#differs(existing, place, upstream)) return existing
    await this.#apply(existing, place, upstream, enabled)
    this.#toxics.clear(existing)
    return existing
  }

  #differs(listener: RelayListener, { resolved }: ListenPlace, upstream: string): boolean {
    return listenText(listener) !== listenText(resolved) || upstreamText(this.#addressOf(listener)) !== upstream
  }

  /** Its connections are dropped where something differs, its toxics stay. */
  async #apply(listener: RelayListener, place: ListenPlace, upstream: string, enabled: boolean): Promise<void> {
    const before = this.#addressOf(listener)
    const differs = this.#differs(listener, place, upstream)
    const listen = enabled ? place.resolved : differs ? place.literal : { host: listener.host, port: listener.port }
    const target = differs ? readUpstream(upstream, before) : before.target
    await listening(listen, () => moveRelay(this.#relay, listener, { ...before, listen, target }, enabled))
  }

  #readToxic(toxic: Json, place: string): ToxicInput {
    try {
      return this.#toxics.read(toxic)
    } catch (thrown) {
      throw badBody(`${place}: ${toToxiproxyError(thrown).message.replace(/^bad request body: /, '')}`)
    }
  }

  #putToxic(proxy: RelayListener, toxic: ToxicInput): void {
    for (const fault of this.#toxics.of(proxy)) if (fault.name === toxic.name) fault.remove()
    this.#toxics.add(proxy, toxic)
  }
}
