import type { ImportWriter } from '../import-writer.js'
import type { CapturedPacket } from './captured-packet.js'
import type { ImportCounts } from './imported-connection.js'
import { describeLinkType, isReadable } from './link-types.js'
import { Fragments } from './packets/fragments.js'
import { protocolNumbers, readIp } from './packets/ip.js'
import { findIp } from './packets/link-layer.js'
import { TcpFlows } from './tcp-flows.js'
import { UdpFlows } from './udp-flows.js'

/** What became of packets. */
export interface PacketCounts {
  packets: number
  /** On interfaces of a link type that can't be read. */
  unknownLink: number
  /** Neither TCP nor UDP over IP. */
  other: number
  /** With a header that can't be read: cut in it, or with lengths that can't be. */
  malformed: number
  /** Shorter in the capture than on the wire. */
  cut: number
}

/** Packets of captures, one after another, into the connections that they belong to. Files of one import go on with each other's. */
export class Traffic {
  readonly counts: PacketCounts & ImportCounts = { packets: 0, unknownLink: 0, other: 0, malformed: 0, cut: 0, connections: 0, missingBytes: 0, lateBytes: 0, setBack: 0 }
  readonly #fragments = new Fragments()
  readonly #tcp: TcpFlows
  readonly #udp: UdpFlows
  readonly #note: (text: string) => void
  readonly #unknown = new Set<number>()

  /** @param note gets what should be known of the import, in words. */
  constructor(writer: ImportWriter, keepPasswords: boolean, note: (text: string) => void) {
    this.#tcp = new TcpFlows(writer, this.counts, keepPasswords)
    this.#udp = new UdpFlows(writer, this.counts)
    this.#note = note
  }

  packet({ linkType, bytes, length, time }: CapturedPacket): void {
    const { counts } = this
    counts.packets++
    if (bytes.length < length) counts.cut++
    if (!isReadable(linkType)) {
      this.#skip(linkType)
      return
    }
    const at = findIp(linkType, bytes)
    if (at < 0) {
      counts.other++
      return
    }
    const part = readIp(bytes, at, length)
    if (part === null) {
      counts.malformed++
      return
    }
    const whole = this.#fragments.take(part, time)
    if (whole === null) return
    const isTcp = whole.protocol === protocolNumbers.tcp
    if (!isTcp && whole.protocol !== protocolNumbers.udp) counts.other++
    else if (!(isTcp ? this.#tcp : this.#udp).take(whole, time)) counts.malformed++
  }

  end(): void {
    this.#tcp.end()
    this.#udp.end()
    this.#fragments.end()
    const { lost, differing } = this.#fragments
    const { lateBytes, setBack } = this.counts
    if (setBack > 0) this.#note(`${setBack} ${setBack === 1 ? 'packet has' : 'packets have'} a time before that of the packet before on the same connection: they got that one's`)
    if (lateBytes > 0) this.#note(`${lateBytes} ${lateBytes === 1 ? 'byte was' : 'bytes were'} sent after the reset of their connection, and are left out: events of the kind after-reset tell where`)
    if (lost > 0) this.#note(`${lost} fragmented ${lost === 1 ? 'packet is' : 'packets are'} not complete in the capture, and left out`)
    if (differing > 0) this.#note(`${differing} fragmented ${differing === 1 ? 'packet has' : 'packets have'} parts that overlap with another content: what came first is kept, and whoever received it may have read something else`)
  }

  #skip(linkType: number): void {
    this.counts.unknownLink++
    if (this.#unknown.has(linkType)) return
    this.#unknown.add(linkType)
    this.#note(`${describeLinkType(linkType)} can't be read: what was captured on such interfaces is left out`)
  }
}
