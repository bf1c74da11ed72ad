import { WiretapeError, reasonOf } from '../error.js'
import { checkOptions } from '../recording/known-options.js'
import type { OptionKinds } from '../recording/known-options.js'
import { formatAddress } from '../relay/address.js'
import type { Relay } from '../relay/relay.js'
import { addressOfHost } from './listen-host.js'
import { metricsOf } from './metrics.js'
import { ownApi, ownPath } from './own/api.js'
import type { Api, Route } from './routes.js'
import { ControlServer } from './server.js'
import { loadShipped } from './shipped.js'
import type { Shipped } from './shipped.js'
import { parseJson } from './json-text.js'
import { toxiproxyApi } from './toxiproxy/api.js'
import { toToxiproxyError } from './toxiproxy/errors.js'
import { Proxies } from './toxiproxy/proxies.js'
import { Toxics } from './toxiproxy/toxics.js'
import { Turns } from './turns.js'

export interface ControlOptions {
  /** 8474 by default; 0 picks one. */
  readonly port?: number
  /** 127.0.0.1 by default. Whoever reaches it can relay to wherever this machine can connect. */
  readonly host?: string
}

const kinds: OptionKinds<ControlOptions> = { port: 'any', host: 'string' }

/** The control port of a running relay. */
export interface Control extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly url: string
  /** Stops answering; the relay, its faults and what was added to it stay. */
  close(): Promise<void>
}

/**
 * Lets other programs steer a running relay over HTTP: as Toxiproxy, and beyond it under `/wiretape/v1`.
 * @throws WiretapeError `bind`, `usage`.
 */
export async function startControl(relay: Relay, options: ControlOptions = {}): Promise<Control> {
  if (typeof (relay as Partial<Relay> | null | undefined)?.keepAwayFrom !== 'function') throw new WiretapeError('usage', 'startControl: expected what startRelay resolved to first, and then options')
  const control = await BoundControl.bind(options)
  control.attach(relay)
  control.open()
  return control
}

/** A control port that is had already, for a relay that is still to be started: what is asked of it waits. */
export class BoundControl implements Control {
  readonly #server: ControlServer
  readonly #shipped: Shipped
  #attached: { readonly proxies: Proxies, readonly apiFor: (path: string) => Api } | null = null

  private constructor(server: ControlServer, shipped: Shipped) {
    this.#server = server
    this.#shipped = shipped
  }

  /** @throws WiretapeError `bind`, `usage`. */
  static async bind(options: ControlOptions): Promise<BoundControl> {
    checkOptions('control', kinds, options, '{ port: 8474 }')
    const { port = 8474, host = '127.0.0.1' } = options
    if (!Number.isInteger(port) || port < 0 || port > 65535) throw new WiretapeError('usage', `control: the port ${String(port)} is not from 0 to 65535`)
    const shipped = await loadShipped()
    const address = await addressOfHost(host).catch((thrown: unknown) => {
      throw new WiretapeError('bind', `the control port can't be on ${host}: ${reasonOf(thrown)}`)
    })
    return new BoundControl(await ControlServer.bind(host, { host: address, port }), shipped)
  }

  get host(): string {
    return this.#server.address.host
  }

  get port(): number {
    return this.#server.address.port
  }

  get url(): string {
    return `http://${formatAddress(this.#server.address)}`
  }

  /** The relay that it is for, which is kept away from this port. Nothing is answered yet. */
  attach(relay: Relay): void {
    relay.keepAwayFrom(this.#server.address)
    const turns = new Turns()
    const toxics = new Toxics(relay, this.#shipped)
    const proxies = new Proxies(relay, toxics, turns)
    const metrics = metricsOf(relay)
    const reading: Route = { methods: ['GET'], path: '/metrics', answer: async () => ({ status: 200, headers: { 'Content-Type': metrics.contentType }, body: await metrics.metrics() }) }
    const toxiproxy = toxiproxyApi(proxies, toxics)
    const theirs: Api = { ...toxiproxy, routes: [...toxiproxy.routes, reading] }
    const ours = ownApi(relay, this.#shipped, turns, (fault) => toxics.isToxic(fault))
    this.#attached = { proxies, apiFor: (path) => path === ownPath || path.startsWith(`${ownPath}/`) ? ours : theirs }
  }

  /** Adds proxies, from the JSON that `/populate` takes. @returns how many. @throws WiretapeError `usage`, `bind`; those before it are there. */
  async populate(bytes: Uint8Array): Promise<number> {
    try {
      const { proxies, error } = await this.#attached!.proxies.populate(parseJson(bytes))
      if (error !== null) throw error
      return proxies.length
    } catch (thrown) {
      const { status, message } = toToxiproxyError(thrown)
      throw new WiretapeError(status < 500 ? 'usage' : 'bind', message.replace(/^bad request body: /, ''), { cause: thrown })
    }
  }

  /** Answers from now on, with what has been asked already. */
  open(): void {
    this.#server.serve(this.#attached!.apiFor)
  }

  close(): Promise<void> {
    return this.#server.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
