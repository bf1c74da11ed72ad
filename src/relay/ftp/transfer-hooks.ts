import type { ConnectionPlugins, HookPath, Member } from '../../plugins/connection-plugins.js'
import type { FtpHooks } from '../../plugins/hooks.js'
import type { ConnectionInfo } from '../../plugins/messages.js'
import type { Direction } from '../../protocols/decoder.js'
import { stageOf } from '../connection-hooks.js'
import type { ConnectionEnding } from '../ending.js'
import type { StageUse } from '../stages/stage-link.js'
import type { DataSetup } from './data-connection.js'
import { FtpTransferState } from './message-states.js'
import type { TransferCommand, TransferCommands } from './transfer-commands.js'

const ofTransfer: HookPath<NonNullable<FtpHooks['transfer']>> = { path: 'ftp.transfer', takes: ['delay', 'close', 'reset'], of: ({ ftp }) => ftp?.transfer?.bind(ftp) }
const ofData: HookPath<NonNullable<FtpHooks['data']>> = { path: 'ftp.data', of: ({ ftp }) => ftp?.data?.bind(ftp) }
const ofEnd: HookPath<NonNullable<FtpHooks['transferEnd']>> = { path: 'ftp.transferEnd', of: ({ ftp }) => ftp?.transferEnd?.bind(ftp) }

/** Ends that are nobody's failure. */
const inOrder = new Set(['client closed', 'server closed'])

export function listensToTransfers(plugins: ConnectionPlugins): boolean {
  return [ofTransfer, ofData, ofEnd].some((hook) => plugins.has(hook as HookPath<unknown>))
}

/** A data connection as the plugins of its control connection see it. */
export class PluggedTransfer {
  /** How a plugin wants it to end before any byte passes. */
  readonly ending: 'close' | 'reset' | null
  readonly #plugins: ConnectionPlugins
  readonly #state: FtpTransferState
  readonly #ordinal: number
  /** Each plugin is asked once, however often others come and go. */
  readonly #made = new WeakMap<Member, readonly StageUse[]>()

  private constructor(plugins: ConnectionPlugins, state: FtpTransferState, ordinal: number, ending: 'close' | 'reset' | null) {
    this.#plugins = plugins
    this.#state = state
    this.#ordinal = ordinal
    this.ending = ending
  }

  /** Waits for the command that it is for, and asks the plugins. */
  static begin(plugins: ConnectionPlugins, commands: TransferCommands, info: ConnectionInfo, setup: DataSetup, ready: (transfer: PluggedTransfer) => void): void {
    commands.for(setup.command, (command: TransferCommand | null) => {
      const state = new FtpTransferState(info, setup, command)
      const ordinal = command?.ordinal ?? setup.command
      plugins.run(ofTransfer, null, (call) => call(state), (actions) => {
        const ending = actions.find(({ action }) => action === 'close' || action === 'reset')?.action
        ready(new PluggedTransfer(plugins, state, ordinal, ending === 'close' || ending === 'reset' ? ending : null))
      }, { direction: state.direction, message: ordinal })
    })
  }

  stages(direction: Direction): readonly StageUse[] {
    if (direction !== this.#state.direction || this.#state.verb === '') return []
    return this.#plugins.members.flatMap((member) => {
      let uses = this.#made.get(member)
      if (uses === undefined) {
        uses = stageOf(member, ofData.path, () => ofData.of(member.hooks)?.(this.#state))
        this.#made.set(member, uses)
      }
      return uses
    })
  }

  over(bytes: Record<Direction, number>, { reason, error }: ConnectionEnding): void {
    const end = { transfer: this.#state, bytes: bytes[this.#state.direction], error: error ?? (inOrder.has(reason) ? null : reason) }
    this.#plugins.run(ofEnd, null, (call) => call(end), () => {}, { direction: this.#state.direction, message: this.#ordinal })
  }
}
