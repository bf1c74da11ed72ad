import type { ConnectionPlugins, HookPath, Member } from '../plugins/connection-plugins.js'
import type { ConnectionHooks, RecordingMask, StreamStage } from '../plugins/hooks.js'
import { maskOfAll } from '../plugins/plugin-set.js'
import type { Direction } from '../protocols/decoder.js'
import type { StageUse } from './stream-stages.js'

export const opening: HookPath<NonNullable<ConnectionHooks['open']>> = { path: 'connection.open', takes: ['delay', 'close', 'reset', 'retarget'], of: ({ connection }) => connection?.open?.bind(connection) }
export const closing: HookPath<NonNullable<ConnectionHooks['close']>> = { path: 'connection.close', of: ({ connection }) => connection?.close?.bind(connection) }

export function stagesOf(plugins: ConnectionPlugins | null): (direction: Direction) => readonly StageUse[] {
  if (plugins === null || !plugins.listensTo('stream')) return () => []
  return (direction) => plugins.members.flatMap((member) =>
    stageOf(member, 'stream', () => member.hooks.stream?.({ direction, connection: plugins.info })))
}

/** A hook that fails to make its stage has one that fails at once: what that means is decided in one place. */
export function stageOf(member: Member, path: string, make: () => StreamStage | undefined): readonly StageUse[] {
  try {
    const stage = make()
    return stage === undefined ? [] : [{ member, path, stage }]
  } catch (thrown) {
    return [{ member, path, stage: () => { throw thrown } }]
  }
}

/** A plugin that can't say what is secret might be keeping one: everything is masked then. */
export function masksOf(plugins: ConnectionPlugins, direction: Direction): RecordingMask[] {
  return plugins.members.flatMap((member) => {
    try {
      return member.hooks.recording?.({ direction, connection: plugins.info }) ?? []
    } catch (thrown) {
      plugins.failed(member, 'recording', thrown, { direction })
      return maskOfAll
    }
  })
}
