import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Relay } from 'wiretape'
import { httpOrigin } from '../real/http-origin.js'
import { run } from '../real/program.js'
import { relaying, taping } from '../real/relaying.js'
import { untimed } from './untimed.js'

/** Asks so often and says with which status it was answered. */
async function asking(t: ExecutionContext, { port }: Relay, path: string, times = 1, ...args: string[]): Promise<string[]> {
  const urls = Array.from({ length: times }, () => ['-o', '/dev/null', `http://127.0.0.1:${port}${path}`])
  const { stdout } = await run(t, 'curl', ['-sS', '-w', '%{http_code}\n', ...args, ...urls.flat()])
  return stdout.toString().trim().split('\n')
}

test('a share of the requests is answered with an error, the same ones with the same seed', async (t) => {
  const origin = await httpOrigin(t)
  const round = async (seed: number): Promise<{ statuses: string[], journal: unknown }> => {
    const relay = await relaying(t, { http: origin.target, plugins: ['http-error:share=0.4'], seed })
    return { statuses: await asking(t, relay, '/', 20), journal: untimed(relay.journal()) }
  }
  const first = await round(3)
  t.deepEqual([...new Set(first.statuses)].toSorted(), ['200', '503'])
  t.deepEqual(await round(3), first)
  t.notDeepEqual((await round(4)).statuses, first.statuses)
  t.like((first.journal as unknown[])[0], {
    fault: 'http-error', parameters: 'http-error:share=0.4', kind: 'answered', hook: 'http.request', text: 'http.request: answered with 503',
    protocol: 'http', connection: 1, direction: 'up', message: first.statuses.indexOf('503'),
  })
})

test('every third of a route, counted over all connections, and with the answer that was asked for', async (t) => {
  const origin = await httpOrigin(t)
  const { relay, recorded } = await taping(t, {
    http: origin.target, plugins: [{ plugin: 'http-error', options: { status: 429, body: 'slow down\n', headers: ['Retry-After: 5', 'X-Why: too many'], every: 3, path: '/users/*/orders', method: ['get'] } }],
  })
  const statuses: string[] = []
  for (const path of ['/users/1/orders', '/users/1', '/users/2/orders?x', '/users/1/2/orders', '/other', '/users/3/orders/9', '/users/1/orders']) statuses.push(...await asking(t, relay, path))
  statuses.push(...await asking(t, relay, '/users/1/orders', 1, '-d', 'posted'))
  t.deepEqual(statuses, ['200', '200', '200', '200', '200', '429', '200', '200'])
  const shown = await run(t, 'curl', ['-sSi', `http://127.0.0.1:${relay.port}/users/1/orders`, `http://127.0.0.1:${relay.port}/users/1/orders`])
  t.regex(shown.stdout.toString(), /HTTP\/1\.1 429 Too Many Requests\r\nRetry-After: 5\r\nX-Why: too many\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Length: 10\r\n\r\nslow down\n$/)
  t.is(origin.served(), 8)
  const answered = [...(await recorded()).exchanges({ where: 'status = 429' })]
  t.deepEqual(answered.map(({ path }) => path), ['/users/3/orders/9', '/users/1/orders'])
})

test('only one client gets it', async (t) => {
  const origin = await httpOrigin(t)
  const relay = await relaying(t, { http: origin.target, plugins: ['http-error:client=127.0.0.2,status=500'] })
  t.deepEqual(await asking(t, relay, '/', 1, '--interface', '127.0.0.2'), ['500'])
  t.deepEqual(await asking(t, relay, '/'), ['200'])
})

for (const [field, message] of [
  ['Retry-After 5', /headers: "Retry-After 5" is no field: expected "Name: value"/],
  ['Retry After: 5', /headers: "Retry After" is no name of a field: letters, digits and hyphens/],
  ['X-Why: a\r\nSet-Cookie: b', /headers: the value of X-Why has a control character/],
] as const) {
  test(`a header that is none is refused before anything starts: ${JSON.stringify(field)}`, async (t) => {
    await t.throwsAsync(relaying(t, { http: '0=http://127.0.0.1:9', plugins: [{ plugin: 'http-error', options: { headers: [field] } }] }), { code: 'usage', message })
  })
}
