import type { Worker } from 'node:worker_threads'
import type { Direction } from '../protocols/decoder.js'
import { headerSize, slabSize, SlabWriter } from './slab.js'
import type { EntryKind, SentKind } from './slab.js'
import type { ToWorker } from './worker-messages.js'

/** Empty slabs that are kept to be filled again. */
const slabsKept = 8

/** The slabs that go round between a thread with entries and the worker that writes them: filled, handed over, given back. */
export class SlabQueue {
  readonly #worker: Worker
  readonly #handedOver: () => void
  readonly #free: ArrayBuffer[] = []
  #slab: SlabWriter | null = null
  #inFlight = 0

  /** @param handedOver called after each slab that has gone to the worker. */
  constructor(worker: Worker, handedOver: () => void) {
    this.#worker = worker
    this.#handedOver = handedOver
  }

  /** Slabs that are with the worker. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** @param time µs. The payload is copied. */
  put(
    kind: EntryKind, handle: number, direction: Direction, time: number, offset: number, payload: Uint8Array | null, replaced: number, sent?: SentKind,
  ): void {
    let slab = this.#slab
    if (slab === null || !slab.fits(payload === null ? 0 : payload.length)) slab = this.#next(payload?.length ?? 0)
    slab.put(kind, handle, direction, time, offset, payload, replaced, sent)
  }

  /** Sends what there is, if there is any. */
  handOver(): void {
    const slab = this.#slab
    if (slab === null || slab.used === 0) return
    this.#slab = null
    this.#inFlight++
    this.#worker.postMessage({ type: 'slab', buffer: slab.buffer, used: slab.used } satisfies ToWorker, [slab.buffer])
    this.#handedOver()
  }

  /** The worker has written it. */
  returned(buffer: ArrayBuffer): void {
    this.#inFlight--
    if (buffer.byteLength === slabSize && this.#free.length < slabsKept) this.#free.push(buffer)
  }

  #next(payload: number): SlabWriter {
    this.handOver()
    const size = headerSize + payload + 8
    const buffer = size > slabSize ? new ArrayBuffer((size + 7) & ~7) : this.#free.pop() ?? new ArrayBuffer(slabSize)
    this.#slab = new SlabWriter(buffer)
    return this.#slab
  }
}
