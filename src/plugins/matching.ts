import type { ConnectionInfo, HttpRequest, HttpResponse } from './messages.js'

/*
 * Options by which a plugin is for some of the traffic alone, to be spread into its own, and what decides by them.
 */

export const directionOption = {
  direction: { type: 'string', choices: ['up', 'down', 'both'], default: 'both', description: 'Only what goes up, to the server, or down, to the client.' },
} as const

export const clientOption = {
  client: { type: 'string', description: 'Only for this client: its address, or address:port.' },
} as const

export const requestOptions = {
  path: { type: 'string', default: '/', description: 'Only where the path, from its slash on, begins so; * stands for anything but a slash.' },
  method: { type: 'list', description: 'Only for these methods, such as GET+HEAD.' },
  ...clientOption,
} as const

export const commandOptions = {
  verb: { type: 'list', description: 'Only these commands, such as RETR+STOR.' },
  ...clientOption,
} as const

/** @param options the values of `directionOption`. */
export function directionMatcher({ direction }: { readonly direction: 'up' | 'down' | 'both' }): (actual: 'up' | 'down') => boolean {
  return (actual) => direction === 'both' || direction === actual
}

/** @param options the values of `clientOption`. */
export function clientMatcher({ client }: { readonly client: string | undefined }): (connection: ConnectionInfo) => boolean {
  if (client === undefined) return () => true
  return function matches({ client: actual, parent }: ConnectionInfo): boolean {
    // A data connection that the server opened has a client nonetheless.
    if (parent !== undefined) return matches(parent)
    if (actual === null) return false
    const { host, port } = actual
    return client === host || client === `[${host}]` || client === (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
  }
}

/** @param path where paths have to begin so; `*` stands for anything but a slash. @throws TypeError. */
export function routeMatcher(path: string): (path: string) => boolean {
  if (!/^(?:[/*]|$)/.test(path)) throw new TypeError(`path: ${JSON.stringify(path)} is where no path begins: expected one from its slash on, such as ${JSON.stringify(`/${path}`)}`)
  const route = new RegExp(`^${path.split('*').map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^/]*')}`)
  return (actual) => route.test(actual)
}

/** @param options the values of `requestOptions`. */
export function requestMatcher(
  { path, method, client }: { readonly path: string, readonly method: readonly string[] | undefined, readonly client: string | undefined },
): (request: HttpRequest) => boolean {
  const onRoute = routeMatcher(path)
  const methods = method === undefined || method.length === 0 ? null : new Set(method.map((one) => one.toUpperCase()))
  const ofClient = clientMatcher({ client })
  return (request) => ofClient(request.connection) && (methods === null || methods.has(request.method.toUpperCase())) && onRoute(request.path)
}

/** @param options the values of `requestOptions`. @returns says whether it is the final response to a request that matches, and opens no tunnel. */
export function responseMatcher(options: Parameters<typeof requestMatcher>[0]): (response: HttpResponse) => boolean {
  const matches = requestMatcher(options)
  return (response) => !response.informational && !response.tunnels && matches(response.request)
}

/** @param options the values of `commandOptions`. @returns says whether an FTP command, by its verb, is meant. */
export function commandMatcher({ verb, client }: { readonly verb: readonly string[] | undefined, readonly client: string | undefined }): (verb: string, connection: ConnectionInfo) => boolean {
  const verbs = verb === undefined || verb.length === 0 ? null : new Set(verb.map((one) => one.toUpperCase()))
  const ofClient = clientMatcher({ client })
  return (actual, connection) => (verbs === null || verbs.has(actual)) && ofClient(connection)
}
