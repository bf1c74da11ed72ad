import type { HookPath } from '../../plugins/connection-plugins.js'
import type { HttpHooks } from '../../plugins/hooks.js'

type Named<Name extends keyof HttpHooks> = HookPath<NonNullable<HttpHooks[Name]>>

const takes = ['delay', 'drop', 'close', 'reset', 'respond'] as const

export const onRequest: Named<'request'> = { path: 'http.request', takes: [...takes, 'retarget'], of: ({ http }) => http?.request?.bind(http) }
export const onRequestBody: Named<'requestBody'> = { path: 'http.requestBody', takes, of: ({ http }) => http?.requestBody?.bind(http) }
export const onResponse: Named<'response'> = { path: 'http.response', takes, of: ({ http }) => http?.response?.bind(http) }
export const onResponseBody: Named<'responseBody'> = { path: 'http.responseBody', takes, of: ({ http }) => http?.responseBody?.bind(http) }
export const onTrailers: Named<'trailers'> = { path: 'http.trailers', of: ({ http }) => http?.trailers?.bind(http) }
