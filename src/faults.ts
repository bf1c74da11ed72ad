/*
 * The faults that ship, for `relay.inject` and for `startRelay({ plugins })`: `latency({ ms: 200, jitter: 50 })`.
 */
import bandwidthPlugin from '../plugins/bandwidth.js'
import corruptPlugin from '../plugins/corrupt.js'
import duplicatePlugin from '../plugins/duplicate.js'
import ftpCutPlugin from '../plugins/ftp-cut.js'
import ftpDataPlugin from '../plugins/ftp-data.js'
import ftpKillPlugin from '../plugins/ftp-kill.js'
import ftpLateErrorPlugin from '../plugins/ftp-late-error.js'
import ftpRefusePlugin from '../plugins/ftp-refuse.js'
import httpErrorPlugin from '../plugins/http-error.js'
import latencyPlugin from '../plugins/latency.js'
import limitDataPlugin from '../plugins/limit-data.js'
import lossPlugin from '../plugins/loss.js'
import malformedPlugin from '../plugins/malformed.js'
import noopPlugin from '../plugins/noop.js'
import reorderPlugin from '../plugins/reorder.js'
import resetPeerPlugin from '../plugins/reset-peer.js'
import slicerPlugin from '../plugins/slicer.js'
import slowClosePlugin from '../plugins/slow-close.js'
import slowHeadersPlugin from '../plugins/slow-headers.js'
import stallBodyPlugin from '../plugins/stall-body.js'
import stallPlugin from '../plugins/stall.js'
import timeoutPlugin from '../plugins/timeout.js'
import truncatePlugin from '../plugins/truncate.js'
import udpCorruptPlugin from '../plugins/udp-corrupt.js'
import udpDelayPlugin from '../plugins/udp-delay.js'
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
  return (options?: Readonly<Record<string, unknown>>): ShippedFault => ({ plugin, options: options === undefined ? {} : options })
}

export const bandwidth = fault(bandwidthPlugin)
export const corrupt = fault(corruptPlugin)
export const duplicate = fault(duplicatePlugin)
export const ftpCut = fault(ftpCutPlugin)
export const ftpData = fault(ftpDataPlugin)
export const ftpKill = fault(ftpKillPlugin)
export const ftpLateError = fault(ftpLateErrorPlugin)
export const ftpRefuse = fault(ftpRefusePlugin)
export const httpError = fault(httpErrorPlugin)
export const latency = fault(latencyPlugin)
export const limitData = fault(limitDataPlugin)
export const loss = fault(lossPlugin)
export const malformed = fault(malformedPlugin)
export const noop = fault(noopPlugin)
export const reorder = fault(reorderPlugin)
export const resetPeer = fault(resetPeerPlugin)
export const slicer = fault(slicerPlugin)
export const slowClose = fault(slowClosePlugin)
export const slowHeaders = fault(slowHeadersPlugin)
export const stall = fault(stallPlugin)
export const stallBody = fault(stallBodyPlugin)
export const timeout = fault(timeoutPlugin)
export const truncate = fault(truncatePlugin)
export const udpCorrupt = fault(udpCorruptPlugin)
export const udpDelay = fault(udpDelayPlugin)
