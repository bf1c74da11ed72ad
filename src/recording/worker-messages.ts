import type { ErrorCode } from '../error.js'

export interface FileSettings {
  readonly path: string
  /** The file was made empty just now, or is a recording that is to be continued. */
  readonly append: boolean
  /** Facts of the run, for the `recording` table. */
  readonly facts: Readonly<Record<string, string>>
  /**
   * How a commit that is cut off is undone. With `write-ahead`, the default, others read what is committed while it is written on. With `rollback` they
   * and the writer wait for each other, and a page is written once instead of twice: for what is made in one go.
   */
  readonly journal?: 'write-ahead' | 'rollback'
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
