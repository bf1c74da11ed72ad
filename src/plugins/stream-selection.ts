import type { OptionValues } from './definition.js'
import type { Hooks, StreamContext, StreamStage } from './hooks.js'
import { selection } from './selection.js'

/** The options by which a plugin that works on bytes picks its streams: spread into its own. */
export const streamSelection = {
  direction: { type: 'string', choices: ['both', 'up', 'down'], default: 'both', description: 'Only what goes up, to the server, or down, to the client.' },
  share: { ...selection.share, description: 'How many of the connections, drawn by the seed; each keeps its number when this changes.' },
  every: { ...selection.every, description: 'Every so-manieth connection instead.' },
  protocol: { type: 'string', choices: ['any', 'tcp', 'http', 'ftp', 'ftp-data'], default: 'any', description: 'Only connections of this kind: ftp is the control connection, ftp-data one that carries a file.' },
  client: { type: 'string', description: 'Only connections from this address, or address:port.' },
} as const

export interface StreamSelectionContext {
  readonly options: OptionValues<typeof streamSelection>
  readonly random: (sequence?: string) => number
  readonly shared: Map<string, unknown>
  readonly kept: Map<string, unknown>
}

/**
 * The hooks of a plugin that works on the bytes of the streams that `streamSelection` picks.
 * @param make called for each of them.
 */
export function onStreams(context: StreamSelectionContext, make: (stream: StreamContext) => StreamStage): Hooks {
  const { options: { direction, protocol, client } } = context
  return {
    stream: (stream) => {
      const { connection } = stream
      if (direction !== 'both' && direction !== stream.direction) return undefined
      if (protocol !== 'any' && protocol !== connection.protocol) return undefined
      if (client !== undefined && (connection.client === null || (client !== connection.client.host && client !== addressText(connection.client)))) return undefined
      return isPicked(context, stream.direction) ? make(stream) : undefined
    },
  }
}

/** What a connection has drawn, and which it is, stays: other options pick from the same numbers. */
function isPicked({ options: { share, every }, random, shared, kept }: StreamSelectionContext, direction: string): boolean {
  const once = (key: string, draw: () => number): number => {
    const value = kept.get(key) as number | undefined ?? draw()
    kept.set(key, value)
    return value
  }
  if (every === undefined) return share >= 1 || once('drawn', () => random('selection')) < share
  return once(`which/${direction}`, () => {
    const count = (shared.get(`streams/${direction}`) as number | undefined ?? 0) + 1
    shared.set(`streams/${direction}`, count)
    return count
  }) % every === 0
}

function addressText({ host, port }: { readonly host: string, readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
