import type { FtpDataInterpreter } from './ftp-data-interpreter.js'
import type { FtpTransfer } from './ftp-transfer.js'

/** Prepared data connections that a transfer may still come for: servers know one. */
const setupsRemembered = 16

/** A data connection as PASV, EPSV, PORT or EPRT asked for it. */
interface Setup {
  /** Of the command. */
  readonly ordinal: number
  /** When its reply said so, in µs. */
  prepared: number | null
  data: FtpDataInterpreter | null
  /** Those that use it and aren't over, in the order of their commands; null as long as there was none. */
  transfers: Set<FtpTransfer> | null
  /** A later transfer may still use it. */
  remembered: boolean
}

/** Ties each transfer to the command that prepared its data connection, and to that connection once it is there. */
export class DataSetups {
  readonly #known = new Map<number, Setup>()
  readonly #ties = new Map<FtpTransfer, Setup>()
  #remembered: Setup[] = []

  /** A command asks for a data connection: taken as prepared until it is refused, as clients may not wait for the reply. */
  begin(ordinal: number): void {
    const setup: Setup = { ordinal, prepared: null, data: null, transfers: null, remembered: true }
    this.#known.set(ordinal, setup)
    this.#remembered.push(setup)
    if (this.#remembered.length <= setupsRemembered) return
    const oldest = this.#remembered.shift()!
    oldest.remembered = false
    this.#forgetUnused(oldest)
  }

  prepared(ordinal: number, at: number): void {
    const setup = this.#known.get(ordinal)
    if (setup === undefined) return
    setup.prepared = at
    for (const transfer of setup.transfers ?? []) transfer.preparedAt(at)
  }

  /** What was prepared before is still there, for the transfers that were asked for already too. */
  refused(ordinal: number): void {
    const setup = this.#known.get(ordinal)
    if (setup === undefined) return
    this.#known.delete(ordinal)
    this.#remembered = this.#remembered.filter((one) => one !== setup)
    const before = this.#remembered.findLast((one) => one.ordinal < ordinal)
    for (const transfer of setup.transfers ?? []) {
      if (transfer.hasData) continue
      this.#ties.delete(transfer)
      if (before === undefined) transfer.preparedAt(null)
      else this.#tie(transfer, before)
    }
  }

  /** A command begins a transfer: it takes what was prepared last. */
  use(transfer: FtpTransfer): void {
    const setup = this.#remembered.at(-1)
    if (setup !== undefined) this.#tie(transfer, setup)
  }

  /** The data connection is there. A port that a refused command left unused can serve the next one: the last that waits is meant. */
  connected(ordinal: number, data: FtpDataInterpreter): void {
    const setup = this.#known.get(ordinal)
    if (setup === undefined) return
    setup.data = data
    const waiting = [...setup.transfers ?? []].findLast((transfer) => !transfer.hasData)
    if (waiting !== undefined) data.attach(waiting)
  }

  /** Refused before it began: the prepared connection, used already or not, is still there for the next transfer. */
  transferRefused(transfer: FtpTransfer): void {
    this.#ties.get(transfer)?.data?.detachUnused(transfer)
  }

  over(transfer: FtpTransfer): void {
    const setup = this.#ties.get(transfer)
    if (setup === undefined) return
    this.#ties.delete(transfer)
    setup.transfers?.delete(transfer)
    if (transfer.hasData) setup.data = null
    this.#forgetUnused(setup)
  }

  #tie(transfer: FtpTransfer, setup: Setup): void {
    setup.transfers ??= new Set()
    setup.transfers.add(transfer)
    this.#ties.set(transfer, setup)
    transfer.preparedAt(setup.prepared)
    if (setup.data?.attached === false) setup.data.attach(transfer)
  }

  #forgetUnused(setup: Setup): void {
    if (!setup.remembered && (setup.transfers?.size ?? 0) === 0) this.#known.delete(setup.ordinal)
  }
}
