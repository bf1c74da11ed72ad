import type { HookPath } from '../plugins/connection-plugins.js'
import type { ConnectionHooks } from '../plugins/hooks.js'

export const opening: HookPath<NonNullable<ConnectionHooks['open']>> = { path: 'connection.open', of: ({ connection }) => connection?.open?.bind(connection) }
export const closing: HookPath<NonNullable<ConnectionHooks['close']>> = { path: 'connection.close', of: ({ connection }) => connection?.close?.bind(connection) }
