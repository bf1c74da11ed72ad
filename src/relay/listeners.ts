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
  /** It is to take connections: what was asked for last, while a port is still being bound. */
  wanted: boolean
  /** While a port is being bound: whoever asks for the same meanwhile waits for that. */
  opening: Promise<void> | null
  /** How often it was asked to move: the last one holds. */
  moves: number
}

/** The relays of this process, by name: they are added and removed, switched on and off. */
export class Listeners {
  readonly #bind: Bind
  /** @returns the number by which the recorder knows it. */
  readonly #register: (listener: RelayListener) => number
  readonly #own = new Map<string, Own>()
  #ordinal = 0
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
    if (name !== null && this.#own.has(name)) throw new WiretapeError('usage', `there is a relay ${name} already`)
    this.#refuseWhenClosed()
    const own = await this.#add(address, name, enabled)
    try {
      this.#refuseWhenClosed()
      refuseLoops([...this.#own.values()].map((one) => one.address), this.all)
    } catch (thrown) {
      this.remove(own.view)
      throw thrown
    }
    own.number = this.#register(own.view)
    own.bound?.start()
    return own.view
  }

  /** Where a relay listens and leads to, as asked for; null where it was removed. */
  addressOf(listener: RelayListener): RelayAddress | null {
    return this.#find(listener)?.address ?? null
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
    if (own.bound !== null) return
    await (own.opening ??= this.#openAndStart(own))
  }

  /** @throws WiretapeError `usage`: another protocol, or a target that leads back to the relay. */
  mayChange(listener: RelayListener, address: RelayAddress): void {
    const own = this.#find(listener)
    if (own === null) return
    this.#refuseWhenClosed()
    if (address.protocol !== listener.protocol) {
      throw new WiretapeError('usage', `relay ${listener.name} is for ${listener.protocol}, not ${address.protocol}: remove it, and add another`)
    }
    const all = [...this.#own.values()]
    refuseLoops(all.map((one) => one === own ? address : one.address), all.map((one) => one === own ? address.listen : one.view))
  }

  /** Listens or dials elsewhere from now on. @throws WiretapeError `bind`, `usage`; all stays as it was then. */
  async change(listener: RelayListener, address: RelayAddress): Promise<void> {
    const own = this.#find(listener)
    if (own === null) return
    this.mayChange(listener, address)
    const { view, wanted, address: before } = own
    const listen = { host: view.host, port: view.port }
    const move = ++own.moves
    if (own.bound !== null && address.listen.port === listen.port && address.listen.host === listen.host && view.protocol !== 'udp') {
      // The socket goes on listening, so that no client finds the port closed.
      place(own, address, listen)
      own.number = this.#register(view)
      return
    }
    if (own.bound !== null && address.listen.port !== listen.port) {
      await this.#moveToPort(own, address, move)
      return
    }
    // Nothing can listen on one port twice, as any address and as one of them: the old one has to go first.
    this.disable(listener)
    place(own, address, address.listen)
    if (!wanted) return
    try {
      await this.enable(listener)
    } catch (thrown) {
      if (own.moves === move && this.#find(listener) !== null) {
        place(own, before, listen)
        // Somebody else may have the port now.
        await this.enable(listener).catch(() => {})
      }
      throw thrown
    }
  }

  /** The new port is had before the old one is given up. */
  async #moveToPort(own: Own, address: RelayAddress, move: number): Promise<void> {
    const { view } = own
    const bound = await this.#bind({ protocol: view.protocol, listen: address.listen, address: () => view.protocol === 'udp' ? address : own.address, ordinal: view.ordinal, number: () => own.number })
    const holds = own.moves === move && this.#find(view) !== null
    if (!holds || !own.wanted || this.#closed) {
      bound.close()
      this.#refuseWhenClosed()
      if (holds) place(own, address, address.listen)
      return
    }
    own.bound?.close()
    place(own, address, address.listen)
    this.#opened(own, bound)
    own.number = this.#register(view)
    bound.start()
  }

  /** Takes no more connections. Those that are open are their owner's to end. */
  disable(listener: RelayListener): void {
    const own = this.#find(listener)
    if (own === null) return
    own.wanted = false
    own.bound?.close()
    own.bound = null
    own.view.enabled = false
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

  #refuseWhenClosed(): void {
    if (this.#closed) throw new WiretapeError('usage', 'the relay has been stopped: start another')
  }

  #find(listener: RelayListener): Own | null {
    const own = this.#own.get(listener.name)
    return own?.view === listener ? own : null
  }

  async #add(address: RelayAddress, name: string | null, enabled: boolean): Promise<Own> {
    const { protocol, listen, target } = address
    const own: Own = {
      address, bound: null, number: 0, wanted: enabled, opening: null, moves: 0,
      view: { name: name ?? '', ordinal: this.#ordinal++, protocol, ...listen, url: '', target: target.text, enabled: false },
    }
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

  async #openAndStart(own: Own): Promise<void> {
    try {
      await this.#open(own)
    } catch (thrown) {
      own.wanted = false
      throw thrown
    } finally {
      own.opening = null
    }
    if (own.bound === null) return
    own.number = this.#register(own.view)
    own.bound.start()
  }

  /** Binds what is wanted in the end: it may have been switched off, moved or removed, or all closed, by the time that a port is there. */
  async #open(own: Own): Promise<void> {
    const { view } = own
    for (;;) {
      const { address } = own
      let bound: Bound
      try {
        bound = await this.#bind({ protocol: view.protocol, listen: { host: view.host, port: view.port }, address: () => own.address, ordinal: view.ordinal, number: () => own.number })
      } catch (thrown) {
        if (own.wanted && own.address !== address) continue
        throw thrown
      }
      if (own.wanted && own.address === address && !this.#closed) {
        this.#opened(own, bound)
        return
      }
      bound.close()
      if (!own.wanted || this.#closed) return
    }
  }

  #opened(own: Own, bound: Bound): void {
    const { view } = own
    own.bound = bound
    Object.assign(view, bound.address, { enabled: true, url: urlOf(view.protocol, bound.address) }, bound.buffer === undefined ? {} : { buffer: bound.buffer })
  }

  #nameFor(protocol: Protocol, port: number): string {
    const name = `${protocol}-${port}`
    for (let more = 2; ; more++) {
      const tried = more === 2 ? name : `${name}-${more - 1}`
      if (!this.#own.has(tried)) return tried
    }
  }
}

/** @param listen where it is shown to be, until it is bound. */
function place(own: Own, address: RelayAddress, listen: Address): void {
  own.address = address
  Object.assign(own.view, listen, { target: address.target.text, url: urlOf(address.protocol, listen) })
}

function urlOf(protocol: Protocol, address: Address): string {
  return protocol === 'http' ? `http://${formatAddress(address)}` : formatAddress(address)
}
