import { definePlugin } from '../src/index.js'
import type { AnyPlugin } from '../src/index.js'

/** What the bench of plugins runs with: by name, as they can't be handed to another process. */
export const benchPlugins = {
  header: definePlugin({
    name: 'header', description: 'Sets a response header.',
    setup: () => ({ http: { response(response) { response.headers.set('X-Bench', 'yes') } } }),
  }),
  stream: definePlugin({
    name: 'stream', description: 'Passes every byte on.',
    setup: () => ({ stream: () => async function* (chunks) { yield* chunks } }),
  }),
  other: definePlugin({
    name: 'other', description: 'Listens to another protocol.',
    setup: () => ({ ftp: { command: () => {} } }),
  }),
} as const satisfies Record<string, AnyPlugin>

export type BenchPlugin = keyof typeof benchPlugins
