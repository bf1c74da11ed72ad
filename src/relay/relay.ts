import type { Socket } from 'node:net'
import { WiretapeError } from '../error.js'
import { PluginSet } from '../plugins/plugin-set.js'
import { Reloader } from '../plugins/reload.js'
import { loadPlugins } from '../plugins/uses.js'
import type { LoadedPlugin } from '../plugins/uses.js'
import type { Address, EventNote } from '../recording/notes.js'
import { checkOptions, described } from '../recording/known-options.js'
import type { OptionKinds } from '../recording/known-options.js'
import { Recorder } from '../recording/recorder.js'
import type { RelayAddress } from './address.js'
import { Carrier } from './carrier.js'
import { checkListener, checkRelayAddress } from './check-arguments.js'
import { Faults } from './faults.js'
import type { Fault, FaultUse, InjectOptions } from './faults.js'
import { outOfDescriptors, socketCapacity } from './file-descriptors.js'
import { Journal } from './journal.js'
import type { JournalEntry } from './journal.js'
import { Listener } from './listener.js'
import { Listeners } from './listeners.js'
import { listening } from './listening.js'
import type { Bound, RelayListener, ToBind } from './listeners.js'
import { OpenConnections } from './open-connections.js'
import type { OpenConnection, Traffic } from './open-connections.js'
import { milliseconds, readRelayOptions } from './options.js'
import type { RelayOptions, RelaySettings } from './options.js'
import { UdpListener } from './udp/listener.js'

/** How often open connections are looked at for idleness, in ms: timeouts are exact to this. */
const sweepInterval = 100

/** The same problem is told again after this long, in ms. */
const problemInterval = 10_000

export interface AddOptions {
  /** False: it takes no connections yet. */
  readonly enabled?: boolean
}

const addKinds: OptionKinds<AddOptions> = { enabled: 'boolean' }

export interface RelayStats extends Omit<Traffic, 'sent'> {
  readonly records: number
  /** Bytes that aren't recorded: the disk was too slow. */
  readonly dropped: number
}

/**
 * Starts relays and, where asked, a recording of all they carry. Resolves once every listener is bound.
 * @throws WiretapeError `usage` (an option, before anything is opened), `bind`, `exists`, `storage` and the other codes
 *   of opening a recording.
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const settings = readRelayOptions(options)
  const relay = new Relay(settings, await loadPlugins(options.plugins ?? []))
  try {
    await relay.start()
  } catch (thrown) {
    await relay.abandon()
    throw thrown
  }
  return relay
}

/** A plugin that can't come to anything is a mistake. @throws WiretapeError `usage`. */
function refuseIdle({ slots }: PluginSet, addresses: readonly RelayAddress[]): void {
  const protocols = [...new Set(addresses.map(({ protocol }) => protocol))]
  for (const { name, listens } of slots) {
    if (protocols.some((protocol) => listening[protocol].some((part) => listens.has(part)))) continue
    throw new WiretapeError('usage', `plugin ${name} has nothing to do: it listens to ${[...listens].join(', ') || 'nothing'} alone, and there ${protocols.length === 1 ? `is a relay of ${protocols[0]}` : `are relays of ${protocols.join(', ')}`}`)
  }
}

/** Running relays. Made by `startRelay`. */
export class Relay {
  readonly #settings: RelaySettings
  #recorder: Recorder | null = null
  readonly #listeners: Listeners
  readonly #open: OpenConnections
  readonly #problems = new Map<string, number>()
  #sweeper: NodeJS.Timeout | null = null
  #carrier: Carrier | null = null
  readonly #plugins: PluginSet
  readonly #journal = new Journal()
  readonly #faults: Faults
  readonly #loaded: readonly LoadedPlugin[]
  #reloader: Reloader | null = null
  #unreachable: (client: Address, why: string) => void = () => {}
  #stopping: Promise<void> | null = null
  #cutNow: (() => void) | null = null

  /** Use `startRelay`. */
  constructor(settings: RelaySettings, plugins: readonly LoadedPlugin[]) {
    this.#settings = settings
    this.#loaded = plugins
    this.#plugins = new PluginSet(plugins.map(({ configured }) => configured), settings.seed, settings.log)
    if (!settings.empty) refuseIdle(this.#plugins, settings.addresses)
    this.#faults = new Faults(this.#plugins)
    this.#open = new OpenConnections(settings.idleTimeout, settings.udp.idleTimeout)
    this.#listeners = new Listeners(
      (relay) => relay.protocol === 'udp' ? this.#bindUdp(relay) : this.#bindTcp(relay),
      ({ protocol, target, ...address }) => this.#recorder?.addRelay(protocol, address, target) ?? 0)
  }

  /** The relays, in the order in which they were made. */
  get listeners(): readonly RelayListener[] {
    return this.#listeners.all
  }

  /** What every random choice follows from. */
  get seed(): number {
    return this.#settings.seed
  }

  /** The recording's path; null where nothing is recorded. */
  get path(): string | null {
    return this.#recorder?.path ?? null
  }

  /** The first listener's port, for the usual case of one. */
  get port(): number {
    const [first] = this.listeners
    if (first === undefined) throw new WiretapeError('usage', 'there is no relay yet, and so no port: relay.add() makes one')
    return first.port
  }

  /** Why recording had to end; null while all is well. */
  get failure(): WiretapeError | null {
    return this.#recorder?.failure ?? null
  }

  /** Called once, when recording has to end: the disk is full, the file is gone. */
  onFailure(listener: (error: WiretapeError) => void): void {
    this.#recorder?.once('failed', listener)
  }

  /** UDP: called each time a target doesn't take what a client sent. */
  onUnreachable(listener: (client: Address, why: string) => void): void {
    this.#unreachable = listener
  }

  /**
   * Puts into the recording what whoever drives a client of this relay knows of it.
   * @param client port of the client's connection that it is about, while that is open; null for none.
   */
  remark(event: Omit<EventNote, 'type'>, client: number | null): void {
    const handle = client === null ? null : this.#open.handleOf(client)
    if (handle === null) this.#recorder?.event(event)
    else this.#recorder?.note(handle, { type: 'event', ...event })
  }

  stats(): RelayStats {
    return { ...this.#open.totals(), records: this.#recorder?.records ?? 0, dropped: this.#recorder?.dropped ?? 0 }
  }

  /**
   * Puts a fault, or any plugin, behind those that are there, at once and on open connections too.
   * @returns what changes it and takes it out again.
   * @throws WiretapeError `usage`: not a plugin, options that it doesn't take, a relay that is no more, or carries another protocol than the plugin is for.
   */
  inject(use: FaultUse, options?: InjectOptions): Fault {
    const on = options?.on
    if (on !== undefined && !this.#listeners.has(on)) {
      throw new WiretapeError('usage', `inject: on: expected one of this relay's listeners${typeof on === 'object' && on !== null && 'name' in on ? `; ${on.name} is none, or was removed` : ''}`)
    }
    return this.#faults.inject(use, options)
  }

  /** The same for as long as `body` takes. */
  async with<T>(use: FaultUse, body: (fault: Fault) => T | Promise<T>, options?: InjectOptions): Promise<T> {
    if (typeof body !== 'function') throw new WiretapeError('usage', `with: expected a fault and then a function, for as long as which it is there, not ${described(body)}`)
    const fault = this.inject(use, options)
    try {
      return await body(fault)
    } finally {
      fault.remove()
    }
  }

  /** What was injected and is still there, in its order. */
  get faults(): readonly Fault[] {
    return this.#faults.all
  }

  /** What plugins and faults did, the newest 10,000 things. @param after only entries with a larger number. */
  journal(after?: number): readonly JournalEntry[] {
    return this.#journal.entries(after)
  }

  /** What is open now. */
  connections(): OpenConnection[] {
    return this.#open.list()
  }

  /** Ends one of `connections()`. @returns false where it is gone already. @throws WiretapeError `usage`. */
  cut(id: number, how: 'close' | 'reset' = 'close'): boolean {
    if (how !== 'close' && how !== 'reset') throw new WiretapeError('usage', `cut: how: expected "close" or "reset", not ${JSON.stringify(how)}`)
    return this.#open.cut(id, how)
  }

  /** What one relay has carried. */
  trafficOf(listener: RelayListener): Traffic {
    return this.#open.trafficOf(listener.ordinal)
  }

  /** One more relay beside those that were started. @param name null names it after its protocol and port. @throws WiretapeError `bind`, `usage`. */
  async add(address: RelayAddress, name: string | null = null, options: AddOptions = {}): Promise<RelayListener> {
    checkRelayAddress(address, 'add')
    if (name !== null && (typeof name !== 'string' || name === '')) throw new WiretapeError('usage', `add: name: expected a text, or null for one after its protocol and port, not ${described(name)}`)
    checkOptions('add', addKinds, options, '{ enabled: false }')
    return this.#listeners.add(address, name, options.enabled ?? true)
  }

  /** Listens again where it was disabled. @throws WiretapeError `bind`; `usage` once the relay was stopped. */
  async enable(listener: RelayListener): Promise<void> {
    checkListener(listener, 'enable', this.#listeners, false)
    return this.#listeners.enable(listener)
  }

  /** Stops listening, and ends what is open. Its faults stay. */
  disable(listener: RelayListener): void {
    checkListener(listener, 'disable', this.#listeners, true)
    this.#listeners.disable(listener)
    this.#open.closeOf(listener.ordinal, 'relay disabled')
  }

  /** Where a relay listens and leads to, as asked for; null where it was removed. */
  addressOf(listener: RelayListener): RelayAddress | null {
    return this.#listeners.addressOf(listener)
  }

  /** Listens or dials elsewhere; what is open ends, its faults stay. @throws WiretapeError `bind`, `usage`; all stays as it was then. */
  async change(listener: RelayListener, address: RelayAddress): Promise<void> {
    checkListener(listener, 'change', this.#listeners, false)
    checkRelayAddress(address, 'change')
    await this.#listeners.change(listener, address)
    this.#open.closeOf(listener.ordinal, 'relay changed')
  }

  /** The relay is no more, nor are its faults; what is open ends. */
  remove(listener: RelayListener): void {
    checkListener(listener, 'remove', this.#listeners, true)
    this.disable(listener)
    this.#faults.removeOf(listener)
    this.#listeners.remove(listener)
  }

  /** From now on no connection is dialled to there: the port of something that is ours alone. */
  keepAwayFrom(address: { readonly host: string, readonly port: number }): void {
    this.#settings.keptAwayFrom.push(address)
  }

  /** Called by `startRelay`: binds every listener, and only then makes a recording, so that a taken port leaves none. */
  async start(): Promise<void> {
    const { record, onProblem, signal } = this.#settings
    signal?.throwIfAborted()
    await this.#listeners.bind(this.#settings.addresses)
    signal?.throwIfAborted()
    if (record !== null) {
      const masked = this.#plugins.slots.filter(({ listens }) => listens.has('recording')).map(({ name }) => name).join(', ')
      this.#recorder = await Recorder.open({ ...record, facts: { seed: String(this.#settings.seed), ...(masked === '' ? {} : { masked }), ...record.facts } })
      this.#recorder.on('failed', (error) => onProblem(error.message))
    }
    signal?.throwIfAborted()
    this.#open.socketCapacity = socketCapacity()
    this.#sweeper = setInterval(() => this.#open.sweep(), sweepInterval).unref()
    this.#carrier = new Carrier({
      settings: this.#settings, plugins: this.#plugins, journal: this.#journal, recorder: this.#recorder, open: this.#open,
      onProblem: (kind, message) => this.#problem(kind, message),
    })
    this.#watchPlugins()
    this.#listeners.start()
  }

  /** Called by `startRelay`, where `start` failed: nothing of it is left. */
  async abandon(): Promise<void> {
    await this.stop({ grace: 0 })
    await this.#recorder?.discard()
  }

  /**
   * Stops accepting, gives open connections `grace` ms to finish (idle HTTP connections aren't waited for), cuts the
   * rest and completes the recording. A second call with `grace: 0` cuts at once.
   */
  stop(options: { grace?: number } = {}): Promise<void> {
    checkOptions<{ grace?: number }>('stop', { grace: 'any' }, options, '{ grace: 0 }')
    const grace = milliseconds('grace', options.grace, this.#settings.grace)
    if (grace === 0) this.#cutNow?.()
    this.#stopping ??= this.#stop(grace)
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** A plugin's file that is saved takes effect for the connections to come; one that can't be loaded leaves the earlier in use. */
  #watchPlugins(): void {
    const watched = this.#loaded.flatMap((plugin, index) => plugin.files.length === 0 ? [] : [{
      name: plugin.name ?? plugin.configured.definition.name, files: plugin.files,
      reload: async () => {
        const { configured, files } = await plugin.again()
        this.#plugins.replace(index, configured)
        this.#recorder?.event({ kind: 'plugin-reloaded', source: configured.definition.name, text: `${plugin.name} was saved and loaded anew` })
        return files
      },
    }])
    if (watched.length > 0) this.#reloader = new Reloader(watched, this.#settings.log)
  }

  async #stop(grace: number): Promise<void> {
    this.#carrier?.stop()
    this.#reloader?.close()
    this.#listeners.close()
    if (this.#open.size > 0 && grace > 0) {
      await new Promise<void>((resolve) => {
        const over = (): void => {
          clearTimeout(deadline)
          clearInterval(looking)
          resolve()
        }
        const deadline = setTimeout(over, grace)
        const looking = setInterval(() => void this.#open.closeIdle(this.#recorder).then(() => {
          if (this.#open.size === 0) over()
        }), 20)
        this.#cutNow = over
      })
    }
    this.#open.closeAll('relay stopped')
    while (this.#open.size > 0) await new Promise((resolve) => setTimeout(resolve, 1))
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    await this.#recorder?.close()
  }

  async #bindTcp({ listen, address, ordinal, number }: ToBind): Promise<Bound> {
    let early: (() => void)[] | null = []
    const accept = (socket: Socket): void => this.#carrier?.accept(socket, address(), ordinal, number())
    const listener = await Listener.bind(
      listen, (socket) => early === null ? accept(socket) : early.push(() => accept(socket)),
      (error) => this.#carrier?.acceptFailed(error, address()))
    return {
      address: listener.address,
      start: () => {
        const waiting = early ?? []
        early = null
        for (const one of waiting) one()
      },
      close: () => listener.close(),
    }
  }

  #bindUdp({ listen, address: ask, ordinal: relay, number }: ToBind): Promise<UdpListener> {
    const settings = this.#settings.udp
    const address = { ...ask(), listen }
    return UdpListener.bind(address, {
      settings,
      openTap: (client, listen, server) => this.#recorder?.open({
        relay: number(), protocol: 'udp', transport: 'udp', client, listen, server, decode: settings.decode,
      }) ?? null,
      pluginsFor: (ordinal, client, listen, tap) => this.#carrier!.pluginsFor({ relay, ordinal, protocol: 'udp', client, listen, target: address.target.text }, tap),
      release: (plugins) => this.#plugins.release(plugins),
      hasRoom: () => {
        const room = this.#open.hasRoom('udp')
        if (!room) this.#outOfDescriptors('EMFILE')
        return room
      },
      onOutOfDescriptors: (code) => this.#outOfDescriptors(code),
      onSession: (session, info) => this.#open.add('udp', null, session, info),
      onOver: (session) => this.#open.remove(session),
      onUnreachable: (client, why) => this.#unreachable(client, why),
      onProblem: (kind, message) => this.#problem(kind, message),
    })
  }

  #outOfDescriptors(code: string): void {
    this.#problem('descriptors', outOfDescriptors(code, this.#open.size))
  }

  #problem(kind: string, message: string): void {
    const now = Date.now()
    if (now - (this.#problems.get(kind) ?? 0) < problemInterval) return
    this.#problems.set(kind, now)
    this.#settings.onProblem(message)
    this.#recorder?.event({ kind: 'problem', source: 'relay', text: message })
  }
}
