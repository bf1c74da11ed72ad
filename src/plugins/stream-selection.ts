import type { OptionValues } from './definition.js'
import type { Hooks, StreamContext, StreamStage } from './hooks.js'
import { clientMatcher, clientOption, directionMatcher, directionOption } from './matching.js'
import type { ConnectionInfo } from './messages.js'
import { selection } from './selection.js'

/** The options by which a plugin that works on bytes picks its streams: spread into its own. */
export const streamSelection = {
  ...directionOption,
  share: { ...selection.share, description: 'How many of the connections, drawn by the seed; each keeps its number when this changes.' },
  every: { ...selection.every, description: 'Every so-manieth connection instead.' },
  protocol: { type: 'string', choices: ['any', 'tcp', 'http', 'ftp', 'ftp-data'], default: 'any', description: 'Only connections of this kind: ftp is the control connection, ftp-data one that carries a file.' },
  ...clientOption,
} as const

export interface StreamSelectionContext {
  readonly options: OptionValues<typeof streamSelection>
  readonly connection: ConnectionInfo | null
  readonly random: (sequence?: string) => number
  readonly shared: Map<string, unknown>
  readonly kept: Map<string, unknown>
}

/**
 * The hooks of a plugin that works on the bytes of the streams that `streamSelection` picks.
 * @param make called for each of them.
 */
export function onStreams(context: StreamSelectionContext, make: (stream: StreamContext) => StreamStage): Hooks {
  const { options, connection } = context
  const inDirection = directionMatcher(options)
  // Decided when the connection comes, not when it is dialled: that takes as long as it takes.
  const picked = connection !== null && (options.protocol === 'any' || options.protocol === connection.protocol) && clientMatcher(options)(connection) && isPicked(context)
  return { stream: (stream) => picked && inDirection(stream.direction) ? make(stream) : undefined }
}

/** What a connection has drawn, and which it is, stays: other options pick from the same numbers. */
function isPicked({ options: { share, every }, random, shared, kept }: StreamSelectionContext): boolean {
  const once = (key: string, draw: () => number): number => {
    const value = kept.get(key) as number | undefined ?? draw()
    kept.set(key, value)
    return value
  }
  if (every === undefined) return share >= 1 || once('drawn', () => random('selection')) < share
  return once('which', () => {
    const count = (shared.get('connections') as number | undefined ?? 0) + 1
    shared.set('connections', count)
    return count
  }) % every === 0
}
