import { WiretapeError } from '../error.js'
import type { Address } from '../recording/notes.js'
import { formatAddress } from './address.js'
import type { Protocol, RelayAddress } from './address.js'
import { refuseLoops } from './loops.js'

/** One relay as it runs: where it listens, and what stands behind it. */
export interface RelayListener {
  readonly name: string
  /** Ordinal among the relays of this process, from 0; an event's connection names it. */
  readonly ordinal: number
  readonly protocol: Protocol
  readonly host: string
  readonly port: number
  /** What a client is to be given: `http://127.0.0.1:8080`, or `host:port`. */
  readonly url: string
  readonly target: string
  /** It takes connections. */
  readonly enabled: boolean
  /** UDP: bytes of receive buffer that the system really gave. */
  readonly buffer?: number
}

/** A bound port. What comes before `start` waits. */
export interface Bound {
  readonly address: Address
  readonly buffer?: number
  start(): void
  close(): void
}

/** A relay that is to be bound. What may change while it is are functions. */
export interface ToBind {
  readonly protocol: Protocol
  readonly listen: Address
  /** What new connections go to. */
  readonly address: () => RelayAddress
  readonly ordinal: number
  /** By which the recorder knows it, once it is started. */
  readonly number: () => number
}

export type Bind = (relay: ToBind) => Promise<Bound>

type Own = {
  address: RelayAddress, readonly view: { -readonly [Key in keyof RelayListener]: RelayListener[Key] }, bound: Bound | null, number: number
  /** It is to take connections: what was asked for last, also while a port is being bound. */
  wanted: boolean
  /** What is asked for is done one after the other. */
  turn: Promise<unknown>
}

/** The relays of this process, by name: they are added and removed, switched on and off. */
export class Listeners {
  readonly #bind: Bind
  /** @returns the number by which the recorder knows it. */
  readonly #register: (listener: RelayListener) => number
  readonly #own = new Map<string, Own>()
  #ordinal = 0
  readonly #made = new WeakSet<object>()
  #closed = false

  constructor(bind: Bind, register: (listener: RelayListener) => number) {
    this.#bind = bind
    this.#register = register
  }

  get all(): readonly RelayListener[] {
    return [...this.#own.values()].map(({ view }) => view)
  }

  get(name: string): RelayListener | null {
    return this.#own.get(name)?.view ?? null
  }

  /** Binds the ports of all, or of none. `start` lets them take connections. @throws WiretapeError `bind`, `usage`. */
  async bind(addresses: readonly RelayAddress[]): Promise<void> {
    for (const address of addresses) await this.#add(address, null, true)
    refuseLoops(addresses, this.all)
  }

  /** Tells the recorder of all, and lets them take connections, with what has come since they were bound. */
  start(): void {
    for (const own of this.#own.values()) own.number = this.#register(own.view)
    for (const { bound } of this.#own.values()) bound?.start()
  }

  /** One more. @param name null names it after its protocol and port. @param enabled false: it takes no connections yet. @throws WiretapeError `bind`, `usage`. */
  async add(address: RelayAddress, name: string | null, enabled: boolean): Promise<RelayListener> {
    this.#refuseWhenClosed()
    if (name !== null && this.#own.has(name)) throw new WiretapeError('usage', `there is a relay ${name} already`)
    // One that takes no connections yet may lead to others that will be elsewhere by then, but never to itself.
    if (!enabled) refuseLoops([address], [address.listen])
    const own = await this.#add(address, name, enabled)
    try {
      if (enabled) this.#refuseLoops()
    } catch (thrown) {
      this.remove(own.view)
      throw thrown
    }
    this.#start(own)
    return own.view
  }

  /** Where a relay listens and leads to, as asked for. */
  addressOf(listener: RelayListener): RelayAddress | null {
    return this.#find(listener)?.address ?? null
  }

  /** Whether it is one of these relays, or was until it was removed. */
  knows(listener: unknown): boolean {
    return typeof listener === 'object' && listener !== null && this.#made.has(listener)
  }

  /** Whether it is one of these relays, and not removed. */
  has(listener: unknown): boolean {
    return this.all.some((one) => one === listener)
  }

  /** Takes connections again, on the same port where that can be had. @throws WiretapeError `bind`, `usage`. */
  async enable(listener: RelayListener): Promise<void> {
    const own = this.#find(listener)
    if (own === null) return
    this.#refuseWhenClosed()
    own.wanted = true
    await this.#inTurn(own, async () => {
      if (own.bound !== null || !own.wanted) return
      try {
        this.#refuseLoops()
        await this.#open(own)
      } catch (thrown) {
        own.wanted = false
        throw thrown
      }
      this.#start(own)
    })
  }

  /** Listens or dials elsewhere from now on. @throws WiretapeError `bind`, `usage`; all stays as it was then. */
  async change(listener: RelayListener, address: RelayAddress): Promise<void> {
    const own = this.#find(listener)
    if (own === null) return
    this.#refuseWhenClosed()
    if (address.protocol !== listener.protocol) {
      throw new WiretapeError('usage', `relay ${listener.name} is for ${listener.protocol}, not ${address.protocol}: remove it, and add another`)
    }
    await this.#inTurn(own, () => this.#move(own, address))
  }

  /** Takes no more connections. Those that are open are their owner's to end. */
  disable(listener: RelayListener): void {
    const own = this.#find(listener)
    if (own === null) return
    own.wanted = false
    this.#shut(own)
  }

  remove(listener: RelayListener): void {
    if (this.#find(listener) === null) return
    this.disable(listener)
    this.#own.delete(listener.name)
  }

  close(): void {
    this.#closed = true
    for (const { bound } of this.#own.values()) bound?.close()
  }

  #find(listener: RelayListener): Own | null {
    const own = this.#own.get(listener.name)
    return own?.view === listener ? own : null
  }

  async #add(address: RelayAddress, name: string | null, enabled: boolean): Promise<Own> {
    const { protocol, listen, target } = address
    const own: Own = {
      address, bound: null, number: 0, wanted: enabled, turn: Promise.resolve(),
      view: { name: name ?? '', ordinal: this.#ordinal++, protocol, ...listen, url: '', target: target.text, enabled: false },
    }
    this.#made.add(own.view)
    own.view.url = urlOf(protocol, listen)
    if (enabled) await this.#open(own)
    own.view.name = name ?? this.#nameFor(protocol, own.view.port)
    if (this.#own.has(own.view.name)) {
      own.bound?.close()
      throw new WiretapeError('usage', `there is a relay ${own.view.name} already`)
    }
    this.#own.set(own.view.name, own)
    return own
  }

  /** @param changing is to have this address. */
  #refuseLoops(changing?: Own, address?: RelayAddress): void {
    const all = [...this.#own.values()].map((own) => own === changing ? { address: address!, bound: address!.listen } : { address: own.address, bound: own.view })
    refuseLoops(all.map((one) => one.address), all.map((one) => one.bound))
  }

  #start(own: Own): void {
    own.number = this.#register(own.view)
    own.bound?.start()
  }

  /** Where it isn't wanted any more by the time that the port is there, it isn't opened. */
  async #open(own: Own, listen: Address = { host: own.view.host, port: own.view.port }): Promise<void> {
    const { view } = own
    const bound = await this.#bind({ protocol: view.protocol, listen, address: () => own.address, ordinal: view.ordinal, number: () => own.number })
    if (this.#closed || !own.wanted) {
      bound.close()
      this.#refuseWhenClosed()
      return
    }
    own.bound = bound
    Object.assign(view, bound.address, { enabled: true, url: urlOf(view.protocol, bound.address) }, bound.buffer === undefined ? {} : { buffer: bound.buffer })
  }

  async #move(own: Own, address: RelayAddress): Promise<void> {
    const { view, bound, address: before } = own
    if (bound !== null) this.#refuseLoops(own, address)
    else refuseLoops([address], [address.listen])
    const samePort = address.listen.port === view.port
    // A socket that listens already goes on, so that no client finds the port closed.
    if (bound === null || (samePort && address.listen.host === view.host && view.protocol !== 'udp')) {
      own.address = address
      Object.assign(view, address.listen, { target: address.target.text, url: urlOf(view.protocol, address.listen) })
      if (bound !== null) own.number = this.#register(view)
      return
    }
    // Two can't listen on one port, as any address and one of them.
    if (samePort) this.#shut(own)
    own.address = address
    try {
      await this.#open(own, address.listen)
    } catch (thrown) {
      own.address = before
      if (samePort && !this.#closed) {
        await this.#open(own)
        this.#start(own)
      }
      throw thrown
    }
    // Switched off meanwhile, it is closed already.
    if (!samePort && own.bound !== null) bound.close()
    Object.assign(view, { target: address.target.text }, own.bound === null ? { ...address.listen, url: urlOf(view.protocol, address.listen) } : {})
    this.#start(own)
  }

  #shut(own: Own): void {
    own.bound?.close()
    own.bound = null
    own.view.enabled = false
  }

  #inTurn(own: Own, work: () => Promise<void>): Promise<void> {
    const turn = own.turn.then(work)
    own.turn = turn.catch(() => {})
    return turn
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new WiretapeError('usage', 'the relay has been stopped: start another')
  }

  #nameFor(protocol: Protocol, port: number): string {
    const name = `${protocol}-${port}`
    for (let more = 2; ; more++) {
      const tried = more === 2 ? name : `${name}-${more - 1}`
      if (!this.#own.has(tried)) return tried
    }
  }
}

function urlOf(protocol: Protocol, address: Address): string {
  return protocol === 'http' ? `http://${formatAddress(address)}` : formatAddress(address)
}
