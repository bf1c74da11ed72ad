import type { Store } from '../store.js'

/** One command as it grows: its row is written when its final reply has come, or when it has waited a while. */
export class FtpCommand {
  dirty = true
  code: number | null = null
  text: string | null = null
  replied: number | null = null
  transferId: number | null = null
  changed = false
  error: string | null = null
  /** As a plugin sent it on; null where it went as it came. */
  asSent: { readonly verb: string, readonly argument: string | null } | null = null
  /** The server never got it: it was answered, or dropped, on the way. */
  kept = false
  /** What TYPE, MODE or STRU was before this command, to go back to where it is refused. */
  before: string | null = null

  constructor(
    readonly id: number, readonly ordinal: number, readonly verb: string, readonly argument: string | null,
    public path: string | null, readonly started: number,
  ) {}

  save(store: Store, sessionId: number, connectionId: number): void {
    this.dirty = false
    store.write('ftp_command', {
      id: this.id, session_id: sessionId, connection_id: connectionId, ordinal: this.ordinal, verb: this.verb,
      argument: this.argument, path: this.path, started: this.started, replied: this.replied, code: this.code, text: this.text,
      transfer_id: this.transferId, changed: this.changed ? 1 : 0, error: this.error,
    })
  }
}
