export type Json = Record<string, unknown>

export function har(...entries: Json[]): Buffer {
  return Buffer.from(JSON.stringify({ log: { version: '1.2', creator: { name: 'x', version: '1', entries: [{ not: 'these' }] }, pages: [], entries } }))
}

/** An entry as Chrome writes it; whatever is given is laid over it. */
export function entry({ request = {}, response = {}, ...rest }: { request?: Json, response?: Json } & Json = {}): Json {
  return {
    startedDateTime: '2026-01-02T03:04:05.678Z', time: 100, serverIPAddress: '192.0.2.1', connection: '17', cache: {},
    timings: { blocked: 1, dns: 2, connect: 30, ssl: 20, send: 4, wait: 50, receive: 13 },
    request: { method: 'GET', url: 'https://shop.example/a/b?c=d#e', httpVersion: 'HTTP/1.1', headers: [{ name: 'Host', value: 'shop.example' }, { name: 'X-Twice', value: '1' }, { name: 'X-Twice', value: '2' }], cookies: [], queryString: [], headersSize: -1, bodySize: 0, ...request },
    response: { status: 200, statusText: 'OK', httpVersion: 'HTTP/1.1', headers: [{ name: 'Content-Type', value: 'text/plain' }], cookies: [], content: { size: 5, mimeType: 'text/plain', text: 'hello' }, redirectURL: '', headersSize: -1, bodySize: -1, ...response },
    ...rest,
  }
}
