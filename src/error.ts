/**
 * Why something could not be done, as a word a program can test.
 * - `usage`: an argument or option is wrong; nothing was started.
 * - `not-found`: the recording, record or command named does not exist.
 * - `not-a-recording`, `newer-recording`: the file is not ours, or was written by a later version.
 * - `not-a-capture`: a file to be imported is no capture and no HAR.
 * - `exists`: the output file is there already.
 * - `bind`: a listener's address could not be had.
 * - `connect`: what was to be talked to can't be reached.
 * - `storage`: the recording could not be written or read (disk full, file gone, permission).
 */
export type ErrorCode =
  | 'usage' | 'not-found' | 'not-a-recording' | 'newer-recording' | 'not-a-capture' | 'exists' | 'bind' | 'connect' | 'storage'

/** The one error that wiretape throws on purpose: a sentence for people, a `code` for programs, the `cause` underneath. */
export class WiretapeError extends Error {
  override readonly name = 'WiretapeError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The words of any thrown value, for a message that quotes its cause. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The system's code of a thrown value (`ECONNREFUSED`, `SQLITE_FULL`), or null. */
export function systemCodeOf(thrown: unknown): string | null {
  const code = (thrown as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : null
}
