import type { IpPacket } from './ip.js'

/** Packets in parts that are held at once, and bytes of them, with what parts cost; the oldest give way. */
const mostPackets = 1024
const mostCost = 16 * 1024 * 1024

/** What a part costs besides its bytes. */
const partCost = 256

/** In 64 KiB there are 46 of the usual size; who sends a thousand means harm. */
const mostParts = 1024

/** IP's own limit. */
const largestPayload = 65_535

/** µs after which the missing parts won't come any more (RFC 8200 §4.5). */
const patience = 60_000_000

type Part = { readonly offset: number, readonly bytes: Buffer }
type Incomplete = { readonly since: number, readonly parts: Part[], size: number, length: number | null, protocol: number, differs: boolean }

/** Puts fragmented IP packets together. Where parts overlap, what came first is kept. */
export class Fragments {
  readonly #incomplete = new Map<string, Incomplete>()
  #cost = 0
  /** Packets given up: parts of them never came. */
  lost = 0
  /** Packets whose parts overlap and aren't the same there: who received them may have read others (RFC 5722 has them dropped, RFC 791 takes the last). */
  differing = 0

  /** @param time µs. @returns the whole packet once its last part is there; null before. */
  take(packet: IpPacket, time: number): IpPacket | null {
    const { fragment, payload, addresses } = packet
    if (fragment === null) return packet
    const { id, offset, more } = fragment
    const end = offset + payload.length
    // A part cut by the snapshot leaves a hole: the whole is never complete, and given up in time. Parts but the last are of 8 bytes.
    if (payload.length === 0 || end > largestPayload || packet.missing > 0) return null
    const key = `${addresses.toString('latin1')}${id} ${packet.version === 4 ? packet.protocol : ''}`
    let whole = this.#incomplete.get(key)
    if (whole !== undefined && time - whole.since > patience) {
      this.#forget(key, whole)
      this.lost++
      whole = undefined
    }
    if (whole === undefined) {
      whole = { since: time, parts: [], size: 0, length: null, protocol: packet.protocol, differs: false }
      this.#incomplete.set(key, whole)
    }
    if (!more) whole.length ??= end
    if (offset === 0) whole.protocol = packet.protocol
    this.#add(whole, offset, payload)
    const last = whole.parts.at(-1)!
    if (whole.parts.length > mostParts || last.offset + last.bytes.length > (whole.length ?? largestPayload)) {
      this.#forget(key, whole)
      this.lost++
      return null
    }
    this.#makeRoom()
    if (whole.length === null || whole.size < whole.length) return null
    this.#forget(key, whole)
    if (whole.differs) this.differing++
    const bytes = Buffer.concat(whole.parts.map((part) => part.bytes))
    return { ...packet, protocol: whole.protocol, payload: bytes.subarray(0, whole.length), fragment: null }
  }

  /** Nothing more comes. */
  end(): void {
    this.lost += this.#incomplete.size
    this.#incomplete.clear()
  }

  /** Parts stand in order, without overlap. */
  #add(whole: Incomplete, offset: number, payload: Buffer): void {
    const { parts } = whole
    let at = offset
    let index = 0
    while (at < offset + payload.length) {
      while (index < parts.length && parts[index]!.offset + parts[index]!.bytes.length <= at) index++
      const next = parts[index]
      const end = Math.min(offset + payload.length, next?.offset ?? Infinity)
      if (end > at) {
        parts.splice(index, 0, { offset: at, bytes: Buffer.from(payload.subarray(at - offset, end - offset)) })
        whole.size += end - at
        this.#cost += end - at + partCost
        at = end
      } else {
        const kept = next!.bytes.subarray(at - next!.offset)
        const again = payload.subarray(at - offset, at - offset + kept.length)
        whole.differs ||= !kept.subarray(0, again.length).equals(again)
        at = next!.offset + next!.bytes.length
      }
    }
  }

  #makeRoom(): void {
    for (const [key, whole] of this.#incomplete) {
      if (this.#incomplete.size <= mostPackets && this.#cost <= mostCost) return
      this.#forget(key, whole)
      this.lost++
    }
  }

  #forget(key: string, whole: Incomplete): void {
    this.#incomplete.delete(key)
    this.#cost -= whole.size + whole.parts.length * partCost
  }
}
