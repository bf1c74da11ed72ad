import { fileURLToPath } from 'node:url'

/** The folder that this program is in. */
const root = fileURLToPath(new URL('../../..', import.meta.url))

/** @returns ` (file:line:column)` of the place in the plugin's own code that an error was thrown from, or through which; empty where there is none. */
export function placeInPlugin(thrown: unknown): string {
  const stack = thrown instanceof Error ? thrown.stack ?? '' : ''
  for (const [, frame = ''] of stack.matchAll(/\n\s+at (?:.*\()?((?:file:\/\/)?[^()\n]+:\d+:\d+)\)?/g)) {
    const place = frame.replace(/^async /, '').replace(/^file:\/\//, '')
    // As compiled, or as source maps have it.
    const own = place.startsWith(root) ? /^(?:dist\/)?src\/(.*)/.exec(place.slice(root.length))?.[1] : undefined
    // It calls the hooks: beyond it no code is the plugin's.
    if (own?.startsWith('plugins/connection-plugins.') === true) return ''
    if (own === undefined && !place.startsWith('node:')) return ` (${place})`
  }
  return ''
}
