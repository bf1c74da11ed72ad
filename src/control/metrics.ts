import { Counter, Gauge, Registry } from 'prom-client'
import type { Direction } from '../protocols/decoder.js'
import type { RelayListener } from '../relay/listeners.js'
import type { Traffic } from '../relay/open-connections.js'
import type { Relay } from '../relay/relay.js'
import { listenText } from './toxiproxy/listen-text.js'
import { upstreamText } from './toxiproxy/upstream.js'

type Values = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[]

/** What is counted, as Prometheus reads it: asked of the relay whenever it is read, so that counting costs nothing in between. */
export function metricsOf(relay: Relay): Registry {
  const registry = new Registry()
  const counter = (name: string, help: string, labelNames: readonly string[], read: () => Values): void => {
    registry.registerMetric(new Counter({ name, help, labelNames, registers: [], collect() {
      this.reset()
      for (const [labels, value] of read()) this.inc(labels, value)
    } }))
  }
  const gauge = (name: string, help: string, labelNames: readonly string[], read: () => Values): void => {
    registry.registerMetric(new Gauge({ name, help, labelNames, registers: [], collect() {
      this.reset()
      for (const [labels, value] of read()) this.set(labels, value)
    } }))
  }
  const byRelay = (read: (listener: RelayListener) => number): () => Values =>
    () => relay.listeners.map((listener) => [{ relay: listener.name, protocol: listener.protocol }, read(listener)])
  const labels = ['relay', 'protocol']
  gauge('wiretape_relay_enabled', 'Whether a relay takes connections.', labels, byRelay(({ enabled }) => Number(enabled)))
  gauge('wiretape_connections_open', 'Connections and UDP sessions that are open.', labels, byRelay((listener) => relay.trafficOf(listener).open))
  counter('wiretape_connections_total', 'Connections and UDP sessions, with those that have ended.', labels, byRelay((listener) => relay.trafficOf(listener).connections))
  counter('wiretape_received_bytes_total', 'Bytes received: up from clients, down from servers.', [...labels, 'direction'], () => relay.listeners.flatMap((listener) => {
    const { bytesUp, bytesDown } = relay.trafficOf(listener)
    const own = { relay: listener.name, protocol: listener.protocol }
    return [[{ ...own, direction: 'up' }, bytesUp], [{ ...own, direction: 'down' }, bytesDown]] as const
  }))
  counter('wiretape_records_total', 'Records written: exchanges, commands, transfers, datagrams.', [], () => [[{}, relay.stats().records]])
  gauge('wiretape_faults', 'Faults that were injected and are still there.', ['plugin'], () =>
    [...new Set(relay.faults.map(({ plugin }) => plugin))].map((plugin) => [{ plugin }, relay.faults.filter((fault) => fault.plugin === plugin).length]))
  counter('wiretape_journal_entries_total', 'What plugins and faults have done.', [], () => [[{}, relay.journal().at(-1)?.number ?? 0]])
  const byProxy = (read: (traffic: Traffic) => Readonly<Record<Direction, number>>): () => Values => () => relay.listeners.flatMap((listener) => {
    const address = relay.addressOf(listener)
    if (listener.protocol === 'udp' || address === null) return []
    const { up, down } = read(relay.trafficOf(listener))
    const own = { listener: listenText(listener), proxy: listener.name, upstream: upstreamText(address) }
    return [[{ ...own, direction: 'upstream' }, up], [{ ...own, direction: 'downstream' }, down]] as const
  })
  const ofProxy = ['direction', 'listener', 'proxy', 'upstream']
  counter('toxiproxy_proxy_received_bytes_total', 'Bytes received, by the name that Toxiproxy gives them.', ofProxy, byProxy(({ bytesUp, bytesDown }) => ({ up: bytesUp, down: bytesDown })))
  counter('toxiproxy_proxy_sent_bytes_total', 'Bytes that went on, after the faults.', ofProxy, byProxy(({ sent }) => sent))
  return registry
}
