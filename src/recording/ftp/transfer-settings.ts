import { readCount } from '../../protocols/ftp/index.js'
import type { FtpCommand } from './ftp-command.js'

/** As a session begins, and after REIN (RFC 959 §5.1). */
const asBegun = { TYPE: 'A', MODE: 'S', STRU: 'F' }

/** REST applies to the next transfer alone (RFC 3659 §5). */
const noRestart = { offset: 0, command: -1 }

/** Sizes told by SIZE that a download may still come for. */
const sizesRemembered = 1000

/** After these a file isn't what SIZE was asked about. */
const replacesFile = new Set(['STOR', 'APPE', 'DELE', 'RNTO'])

/** What earlier commands say about a transfer: TYPE, MODE, STRU, REST, and SIZE of the same file. */
export class TransferSettings {
  readonly #values: Record<string, string> = { ...asBegun }
  #restart = noRestart
  /** By path; a size holds for the type that it was asked in (RFC 3659 §4). */
  readonly #sizes = new Map<string, { readonly size: number, readonly type: string }>()

  get type(): string {
    return this.#values['TYPE']!
  }

  get transferMode(): string {
    return this.#values['MODE']!
  }

  get structure(): string {
    return this.#values['STRU']!
  }

  /** Where the transfer that begins now is to start, and the ordinal of the command that said so, -1 where none did. */
  takeRestart(): { readonly offset: number, readonly command: number } {
    const restart = this.#restart
    this.#restart = noRestart
    return restart
  }

  /** For a download of that file. */
  sizeOf(path: string | null): number | null {
    const told = path === null ? undefined : this.#sizes.get(path)
    return told?.type === this.type ? told.size : null
  }

  /** Taken as done until it is refused: clients that pipeline send the next command before the reply. */
  asked(command: FtpCommand, argument: string | null): void {
    const { verb, ordinal } = command
    if (verb === 'REST') this.#restart = { offset: readCount(argument ?? '') ?? 0, command: ordinal }
    if (verb in asBegun) {
      command.before = this.#values[verb]!
      this.#values[verb] = (argument ?? command.before).toUpperCase()
    }
    this.#forgetSize(command)
  }

  /** Another command came between REST and a transfer. */
  forgetRestart(): void {
    this.#restart = noRestart
  }

  /** A command has its final reply. */
  answered(command: FtpCommand, code: number, text: string): void {
    const { verb, path, ordinal, before } = command
    const done = code >= 200 && code < 300
    if (verb === 'REIN' && done) {
      Object.assign(this.#values, asBegun)
      this.#sizes.clear()
    }
    if (verb === 'REST' && code >= 400 && this.#restart.command === ordinal) this.#restart = noRestart
    if (before !== null && !done) this.#values[verb] = before
    if (verb === 'SIZE' && code === 213 && path !== null) this.#rememberSize(path, readCount(text))
    // Where the client pipelines, the path is certain only now.
    this.#forgetSize(command)
  }

  #forgetSize({ verb, path }: FtpCommand): void {
    // What is renamed may be a folder, with all that is in it.
    if (verb === 'RNFR') this.#sizes.clear()
    else if (replacesFile.has(verb) && path !== null) this.#sizes.delete(path)
  }

  #rememberSize(path: string, size: number | null): void {
    this.#sizes.delete(path)
    if (size === null) return
    if (this.#sizes.size >= sizesRemembered) this.#sizes.delete(this.#sizes.keys().next().value!)
    this.#sizes.set(path, { size, type: this.type })
  }
}
