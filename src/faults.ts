/*
 * The faults that ship, for `relay.inject` and for `startRelay({ plugins })`: `latency({ ms: 200, jitter: 50 })`.
 */
import bandwidthPlugin from '../plugins/bandwidth.js'
import corruptPlugin from '../plugins/corrupt.js'
import latencyPlugin from '../plugins/latency.js'
import limitDataPlugin from '../plugins/limit-data.js'
import noopPlugin from '../plugins/noop.js'
import resetPeerPlugin from '../plugins/reset-peer.js'
import slicerPlugin from '../plugins/slicer.js'
import slowClosePlugin from '../plugins/slow-close.js'
import stallPlugin from '../plugins/stall.js'
import timeoutPlugin from '../plugins/timeout.js'
import type { AnyPlugin, GivenOptions, OptionDeclarations, PluginDefinition } from './plugins/definition.js'

/** A fault that ships, with its options. */
export interface ShippedFault {
  readonly plugin: AnyPlugin
  readonly options: Readonly<Record<string, unknown>>
}

/** Takes a fault's options; none where all of them have defaults. */
export type FaultMaker<Declarations extends OptionDeclarations> =
  {} extends GivenOptions<Declarations> ? (options?: GivenOptions<Declarations>) => ShippedFault : (options: GivenOptions<Declarations>) => ShippedFault

function fault<Declarations extends OptionDeclarations>(plugin: PluginDefinition<Declarations>): FaultMaker<Declarations> {
  return (options?: Readonly<Record<string, unknown>>): ShippedFault => ({ plugin, options: options ?? {} })
}

export const bandwidth = fault(bandwidthPlugin)
export const corrupt = fault(corruptPlugin)
export const latency = fault(latencyPlugin)
export const limitData = fault(limitDataPlugin)
export const noop = fault(noopPlugin)
export const resetPeer = fault(resetPeerPlugin)
export const slicer = fault(slicerPlugin)
export const slowClose = fault(slowClosePlugin)
export const stall = fault(stallPlugin)
export const timeout = fault(timeoutPlugin)
