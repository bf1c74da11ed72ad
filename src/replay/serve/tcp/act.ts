/** What a server that follows a script does next. */
export type Act =
  /** Says something. */
  | {
    readonly kind: 'say', readonly bytes: Buffer
    /** µs after the client's turn was over, as recorded. */
    readonly gap: number
    /** It begins an answer. */
    readonly first: boolean
  }
  /** Waits for the client to say more, or to leave. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'close' }
  | { readonly kind: 'reset' }
  | Departure

/** The client has left the script. */
export type Departure =
  | {
    readonly kind: 'diverged'
    /** Of the first byte that differs, in what the client said. */
    readonly offset: number
    readonly script: number
    /** What it said from there on, or some of it. */
    readonly came: Buffer
    /** Null where the recorded client said nothing more. */
    readonly recorded: Buffer | null
  }
  /** What it said was recorded, and has been given as often as it was. */
  | { readonly kind: 'exhausted', readonly script: number }
  | { readonly kind: 'unknown' }
