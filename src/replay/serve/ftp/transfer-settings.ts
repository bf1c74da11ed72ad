import { dataDirection, readCount } from '../../../protocols/ftp/index.js'
import type { RecordedCommand } from './recorded-sessions.js'
import type { Fit } from './script.js'

/** As a session begins (RFC 959 §5.1). */
const asBegun = { TYPE: 'A', MODE: 'S' }

/** What a client has said about its next transfer. */
export class TransferSettings {
  readonly #values: Record<string, string> = { ...asBegun }
  #restart = 0

  get type(): string {
    return this.#values['TYPE']!
  }

  get mode(): string {
    return this.#values['MODE']!
  }

  /** Where the next transfer is to begin, in bytes. */
  get restart(): number {
    return this.#restart
  }

  /** A command has its final reply. */
  answered(verb: string, argument: string | null, code: number): void {
    const done = code >= 200 && code < 400
    if (verb in asBegun && done) this.#values[verb] = (argument ?? '').trim().toUpperCase()
    if (verb === 'REIN' && done) Object.assign(this.#values, asBegun)
    // REST is for the transfer that comes next; the port may be prepared in between (RFC 3659 §5).
    if (verb === 'REST') this.#restart = done ? readCount(argument ?? '') ?? 0 : 0
    else if (!/^(?:PASV|EPSV|PORT|EPRT)$/.test(verb)) this.#restart = 0
  }

  /** Whether what was recorded of this transfer is what this client asks for. */
  fit({ verb, transfer }: RecordedCommand): Fit {
    const direction = dataDirection(verb)
    if (direction === null || transfer === null) return 'exact'
    const same = this.#restart === transfer.restartOffset
    if (transfer.outcome === 'refused') return same ? 'exact' : 'close'
    if (transfer.transferMode !== this.mode) return 'no'
    if (verb === 'RETR' && kindOf(transfer.type) !== kindOf(this.type)) return 'no'
    if (same) return 'exact'
    // The rest of what was recorded: only a whole one has it.
    return this.#restart > transfer.restartOffset && (direction === 'up' || transfer.outcome === 'completed') ? 'close' : 'no'
  }
}

/** A file's bytes are the same in types I and L 8. */
function kindOf(type: string): string {
  return type.startsWith('L') ? 'I' : type.slice(0, 1)
}
