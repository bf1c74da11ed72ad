import type { ErrorCode } from '../error.js'

export interface FileSettings {
  readonly path: string
  /** The file was made empty just now, or is a recording that is to be continued. */
  readonly append: boolean
  /** Facts of the run, for the `recording` table. */
  readonly facts: Readonly<Record<string, string>>
}

export interface WorkerSettings extends FileSettings {
  /** `live` passes while it is recorded; `past` did so long ago, and its entries alone tell the time. */
  readonly traffic: 'live' | 'past'
}

export type ToWorker =
  | { readonly type: 'slab', readonly buffer: ArrayBuffer, readonly used: number }
  | { readonly type: 'close' }
  /** Asks which connections are in no message. */
  | { readonly type: 'idle' }

export type FromWorker =
  | { readonly type: 'ready' }
  /** A slab whose rows are committed, to be filled again. `records` counts those complete so far. */
  | { readonly type: 'returned', readonly buffer: ArrayBuffer, readonly records: number }
  | { readonly type: 'idle', readonly handles: readonly number[] }
  | { readonly type: 'closed', readonly records: number }
  | { readonly type: 'failed', readonly code: ErrorCode, readonly message: string }
