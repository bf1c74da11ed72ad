import type { ConnectionPlugins, HookPath, Member } from '../plugins/connection-plugins.js'
import type { ConnectionHooks, RecordingMask, StreamStage } from '../plugins/hooks.js'
import { maskOfAll } from '../plugins/plugin-set.js'
import type { Direction } from '../protocols/decoder.js'
import type { StageUse } from './stages/stage-link.js'

export const opening: HookPath<NonNullable<ConnectionHooks['open']>> = { path: 'connection.open', takes: ['delay', 'close', 'reset', 'retarget'], of: ({ connection }) => connection?.open?.bind(connection) }
export const closing: HookPath<NonNullable<ConnectionHooks['close']>> = { path: 'connection.close', of: ({ connection }) => connection?.close?.bind(connection) }

/** The stages that a connection's plugins have for a direction, as they are now. */
export type Stages = (direction: Direction) => readonly StageUse[]

/** Each plugin is asked once for each direction, however often the others come and go. */
export function stagesOf(plugins: ConnectionPlugins): Stages {
  const made: Record<Direction, WeakMap<Member, readonly StageUse[]>> = { up: new WeakMap(), down: new WeakMap() }
  return (direction) => plugins.members.flatMap((member) => {
    if (member.hooks.stream === undefined) return []
    let uses = made[direction].get(member)
    if (uses === undefined) {
      uses = stageOf(member, 'stream', () => member.hooks.stream?.({ direction, connection: plugins.info }))
      made[direction].set(member, uses)
    }
    return uses
  })
}

/** A hook that fails to make its stage has one that fails at once: what that means is decided in one place. */
export function stageOf(member: Member, path: string, make: () => StreamStage | undefined): readonly StageUse[] {
  try {
    const stage: unknown = make()
    if (stage !== undefined && typeof stage !== 'function') throw new TypeError(`it returned ${stage === null ? 'null' : `a value of type ${typeof stage}`}: it may return an async generator function, or nothing`)
    return stage === undefined ? [] : [{ member, path, stage: stage as StreamStage }]
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
