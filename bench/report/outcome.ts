/** What a bench found. */
export interface Outcome {
  readonly tables: readonly Table[]
  /** Things that must hold whatever the speed: nothing lost, all bytes arrived. */
  readonly checks: readonly Check[]
}

/** One figure, for every peer. */
export interface Table {
  readonly figure: string
  readonly unit: string
  readonly rows: readonly Row[]
  /** The peer that the table's ratios are to; null where there is nothing to compare. */
  readonly reference: string | null
  readonly targets: readonly Target[]
}

export interface Row {
  readonly peer: string
  /** One a round, in order: sample n of one peer was taken beside sample n of the others. */
  readonly samples: readonly number[]
  /** Why there are none, `skipped: …` or `failed …`; null where there are. */
  readonly absent: string | null
}

/** What a peer's figure should reach: so many times another peer's, or less than a fixed limit. */
export type Target =
  | { readonly peer: string, readonly atLeast: number, readonly times: string }
  | { readonly peer: string, readonly below: number }

export interface Check {
  readonly text: string
  readonly ok: boolean
}
