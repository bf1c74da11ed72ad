import type { ConnectionPlugins, HookPath } from '../plugins/connection-plugins.js'
import type { ConnectionHooks, RecordingMask } from '../plugins/hooks.js'
import type { Direction } from '../protocols/decoder.js'
import type { StageUse } from './stream-stages.js'

export const opening: HookPath<NonNullable<ConnectionHooks['open']>> = { path: 'connection.open', of: ({ connection }) => connection?.open?.bind(connection) }
export const closing: HookPath<NonNullable<ConnectionHooks['close']>> = { path: 'connection.close', of: ({ connection }) => connection?.close?.bind(connection) }

export function stagesOf(plugins: ConnectionPlugins | null): (direction: Direction) => readonly StageUse[] {
  if (plugins === null || !plugins.listensTo('stream')) return () => []
  return (direction) => plugins.members.flatMap((member) => {
    const stage = member.hooks.stream?.({ direction, connection: plugins.info })
    return stage === undefined ? [] : [{ member, path: 'stream', stage }]
  })
}

/** A plugin that can't say what is secret might be keeping one: everything is masked then. */
export function masksOf(plugins: ConnectionPlugins, direction: Direction): RecordingMask[] {
  return plugins.members.flatMap((member) => {
    try {
      return member.hooks.recording?.({ direction, connection: plugins.info }) ?? []
    } catch (thrown) {
      plugins.failed(member, 'recording', thrown, { direction })
      return { take: (bytes) => bytes.fill('*'), end: () => Buffer.alloc(0) }
    }
  })
}
