import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { PluginUse } from 'wiretape'
import { connectTo, echoServer } from '../real/peer.js'
import { run } from '../real/program.js'
import { relaying, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

/** Answers with what it was asked, under the name of its own. */
async function server(t: ExecutionContext, name = 'origin'): Promise<string> {
  const made = createServer((request, response) => {
    response.setHeader('X-Server', name).setHeader('Set-Cookie', ['a=1', 'b=2'])
    if (request.url === '/text.gz') response.setHeader('content-type', 'text/plain').setHeader('content-encoding', 'gzip').end(gzipSync('colour and colour'))
    else if (request.url === '/text.br') response.setHeader('content-type', 'text/plain').setHeader('content-encoding', 'br').end(brotliCompressSync('colour and colour'))
    else if (request.url === '/bytes') response.setHeader('content-type', 'application/octet-stream').end(Buffer.from([0, 255, 99, 111, 108]))
    else request.on('data', () => {}).on('end', () => response.end(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`))
  })
  made.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => { made.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => made.close())
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`
}

async function through(t: ExecutionContext, plugins: readonly PluginUse[], target?: string): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const { port } = await relaying(t, { http: `0=${target ?? await server(t)}`, plugins })
  return (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init)
}

test('set-header sets one of a request or a response, where the path fits', async (t) => {
  const ask = await through(t, ['set-header:name=X-One,value=1', 'set-header:name=x-server,value=relay,on=response,path=/a'])
  t.regex(await (await ask('/a')).text(), /"x-one":"1"/)
  t.is((await ask('/a')).headers.get('x-server'), 'relay')
  t.is((await ask('/b')).headers.get('x-server'), 'origin')
})

test('remove-header removes every one of that name', async (t) => {
  const ask = await through(t, ['remove-header:name=accept', 'remove-header:name=set-cookie,on=response'])
  const response = await ask('/')
  t.is(response.headers.get('set-cookie'), null)
  t.notRegex(await response.text(), /"accept":/)
})

test('rewrite-body replaces text and patterns, compressed or not, and leaves bytes alone', async (t) => {
  const ask = await through(t, ['rewrite-body:find=colour,replace=$1color', 'rewrite-body:find=/C(OLO)R$/i,replace=[$1]'])
  t.is(await (await ask('/text.gz')).text(), '$1color and $1[olo]')
  t.is(await (await ask('/text.br')).text(), '$1color and $1[olo]')
  t.deepEqual(Buffer.from(await (await ask('/bytes')).arrayBuffer()), Buffer.from([0, 255, 99, 111, 108]))
})

test('map-local answers from a folder and from nowhere else, also without a server', async (t) => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'site', 'sub'), { recursive: true })
  writeFileSync(join(folder, 'site', 'index.html'), '<p>home</p>')
  writeFileSync(join(folder, 'site', 'sub', 'data.json'), '{"a":1}')
  writeFileSync(join(folder, 'secret.txt'), 'secret')
  symlinkSync(join(folder, 'secret.txt'), join(folder, 'site', 'link.txt'))
  const ask = await through(t, [{ plugin: 'map-local', options: { folder: join(folder, 'site'), path: '/app/', missing: '404' } }], 'http://127.0.0.1:9')
  const home = await ask('/app/')
  t.deepEqual([home.status, home.headers.get('content-type'), await home.text()], [200, 'text/html; charset=utf-8', '<p>home</p>'])
  t.deepEqual(await (await ask('/app/sub/data.json')).json(), { a: 1 })
  t.is(await (await ask('/app/sub/data.json', { method: 'HEAD' })).text(), '')
  for (const path of ['/app/../secret.txt', '/app/%2e%2e/secret.txt', '/app/..%2fsecret.txt', '/app/link.txt', '/app/sub', '/app/%00', '/app/nothing']) {
    const { stdout } = await run(t, 'curl', ['-s', '--path-as-is', '-o', '/dev/null', '-w', '%{http_code}', `http://127.0.0.1:${new URL(home.url).port}${path}`])
    t.is(stdout.toString(), '404', path)
  }
})

test('map-remote sends what fits to another server, with its Host', async (t) => {
  const other = await server(t, 'other')
  const ask = await through(t, [{ plugin: 'map-remote', options: { to: other, path: '/api' } }])
  const moved = await ask('/api/x')
  t.is(moved.headers.get('x-server'), 'other')
  t.true((await moved.text()).includes(`"host":"${new URL(other).host}"`))
  t.is((await ask('/x')).headers.get('x-server'), 'origin')
})

test('block refuses paths with a status, and whole connections', async (t) => {
  const ask = await through(t, ['block:path=/admin,status=451'])
  t.is((await ask('/admin/x')).status, 451)
  t.is((await ask('/')).status, 200)
  const { port } = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, plugins: ['block:connections=reset'] })
  await t.throwsAsync(connectTo(t, port).then((peer) => peer.rest()), { message: /ECONNRESET/ })
})

test('delay holds requests back, the same ones with the same seed', async (t) => {
  const target = await server(t)
  const waits = async (seed: number): Promise<string> => {
    const { port, recorded } = await taping(t, { http: `0=${target}`, plugins: ['delay:ms=40,share=0.5,path=/slow'], seed })
    for (let n = 0; n < 8; n++) await (await fetch(`http://127.0.0.1:${port}/slow`, { headers: { connection: 'close' } })).text()
    const recording = await recorded()
    const delayed = new Set([...recording.events({ where: "kind = 'delayed' AND source = 'delay'" })].map(({ messageId }) => messageId))
    const exchanges = [...recording.exchanges()]
    t.true(exchanges.every(({ id, durationMs }) => !delayed.has(id) || durationMs! >= 39))
    const pattern = exchanges.map(({ id }) => delayed.has(id) ? 'x' : '.').join('')
    return pattern
  }
  const first = await waits(3)
  t.is(await waits(3), first)
  t.true(first.includes('x') && first.includes('.'), first)
})

test('log prints messages', async (t) => {
  const lines: string[] = []
  const { port } = await relaying(t, { http: `0=${await server(t)}`, plugins: ['log:connections=true'], log: (line) => lines.push(line) })
  await (await fetch(`http://127.0.0.1:${port}/x?y=1`)).text()
  t.deepEqual(lines.slice(1), ['log: GET /x?y=1', 'log: 200 OK to GET /x?y=1'])
  t.regex(lines[0]!, /^log: http connection 1 to http:/)
})
