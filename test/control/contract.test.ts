import test from 'ava'
import { connectTo, echoServer, serve } from '../real/peer.js'
import { run } from '../real/program.js'
import { freePort } from '../real/free-port.js'
import { controlled } from './controlling.js'

/*
 * Each answer byte for byte, as Toxiproxy 2.12 gives it.
 */

const plain = 'text/plain; charset=utf-8'

test('the version, with its space and its newline', async (t) => {
  const { ask } = await controlled(t)
  t.deepEqual(await ask('GET', '/version'), { status: 200, type: 'application/json;charset=utf-8', text: '{"version": "2.12.0"}\n' })
})

test('proxies are made, listed by name, shown and deleted', async (t) => {
  const { ask } = await controlled(t)
  const [one, two] = [await freePort(), await freePort()]
  t.deepEqual(await ask('GET', '/proxies'), { status: 200, type: 'application/json', text: '{}' })
  const redis = `{"name":"redis","listen":"127.0.0.1:${one}","upstream":"localhost:6379","enabled":true,"toxics":[]}`
  const mysql = `{"name":"mysql","listen":"localhost:${two}","upstream":"db.invalid:3306","enabled":false,"toxics":[]}`
  t.deepEqual(await ask('POST', '/proxies', { name: 'redis', listen: `localhost:${one}`, upstream: 'localhost:6379' }), { status: 201, type: 'application/json', text: redis })
  t.deepEqual(await ask('POST', '/proxies', { name: 'mysql', listen: `localhost:${two}`, upstream: 'db.invalid:3306', enabled: false }), { status: 201, type: 'application/json', text: mysql })
  t.deepEqual(await ask('GET', '/proxies'), { status: 200, type: 'application/json', text: `{"mysql":${mysql},"redis":${redis}}` })
  t.deepEqual(await ask('GET', '/proxies/mysql'), { status: 200, type: 'application/json', text: mysql })
  t.deepEqual(await ask('DELETE', '/proxies/mysql'), { status: 204, type: null, text: '' })
  t.deepEqual(await ask('GET', '/proxies'), { status: 200, type: 'application/json', text: `{"redis":${redis}}` })
})

test('toxics: their zeroes, their names, their order, and what an update keeps', async (t) => {
  const { ask } = await controlled(t)
  await ask('POST', '/proxies', { name: 'p', upstream: 'localhost:1' })
  const add = async (body: unknown): Promise<string> => {
    const { status, text } = await ask('POST', '/proxies/p/toxics', body)
    t.is(status, 200)
    return text
  }
  const down = '{"attributes":{"latency":100,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}'
  const up = '{"attributes":{"average_size":10,"size_variation":0,"delay":0},"name":"slicer_UPSTREAM","type":"slicer","stream":"UPSTREAM","toxicity":0.1}'
  const named = '{"attributes":{},"name":"n","type":"noop","stream":"downstream","toxicity":0}'
  t.is(await add({ type: 'latency', attributes: { latency: 100 } }), down)
  t.is(await add({ type: 'noop', name: 'n', toxicity: 0 }), named)
  t.is(await add({ type: 'slicer', stream: 'UPSTREAM', toxicity: 0.1, attributes: { average_size: 10 } }), up)
  t.deepEqual(await ask('GET', '/proxies/p/toxics'), { status: 200, type: 'application/json', text: `[${up},${down},${named}]` })
  const changed = down.replace('"jitter":0', '"jitter":7').replace('"toxicity":1', '"toxicity":0.5')
  t.deepEqual(await ask('POST', '/proxies/p/toxics/latency_downstream', { name: 'x', type: 'noop', stream: 'upstream', toxicity: 0.5, attributes: { jitter: 7 } }), { status: 200, type: 'application/json', text: changed })
  t.deepEqual(await ask('PATCH', '/proxies/p/toxics/latency_downstream', {}), { status: 200, type: 'application/json', text: changed })
  t.deepEqual(await ask('GET', '/proxies/p/toxics/latency_downstream'), { status: 200, type: 'application/json', text: changed })
  t.deepEqual(await ask('DELETE', '/proxies/p/toxics/latency_downstream'), { status: 204, type: null, text: '' })
  t.is((await ask('GET', '/proxies/p/toxics')).text, `[${up},${named}]`)
  for (const [type, attributes] of [
    ['bandwidth', '"rate":0'], ['slow_close', '"delay":0'], ['timeout', '"timeout":0'], ['reset_peer', '"timeout":0'], ['limit_data', '"bytes":0'],
  ]) t.is(await add({ type }), `{"attributes":{${attributes}},"name":"${type}_downstream","type":"${type}","stream":"downstream","toxicity":1}`)
})

test('numbers keep what Go keeps of them', async (t) => {
  const { ask } = await controlled(t)
  await ask('POST', '/proxies', { name: 'p', upstream: 'localhost:1' })
  const { text } = await ask('POST', '/proxies/p/toxics', '{"type":"latency","toxicity":0.123456789,"attributes":{"latency":9223372036854775807,"jitter":-5}}')
  t.regex(text, /"latency":9223372036854775807,"jitter":-5\}.*"toxicity":0\.12345679\}$/)
  t.is((await ask('POST', '/proxies/p/toxics', '{"type":"latency","name":"b","attributes":{"latency":9223372036854775808}}')).text,
    '{"error":"bad request body: json: cannot unmarshal number 9223372036854775808 into Go struct field LatencyToxic.attributes.latency of type int64","status":400}\n')
})

const refusals: readonly [method: string, path: string, body: unknown, status: number, message: string][] = [
  ['POST', '/proxies', '', 400, 'bad request body: EOF'],
  ['POST', '/proxies', '{"name":', 400, 'bad request body: unexpected EOF'],
  ['POST', '/proxies', '{name:1}', 400, "bad request body: invalid character 'n' looking for beginning of object key string"],
  ['POST', '/proxies', '[]', 400, 'bad request body: json: cannot unmarshal array into Go value of type toxiproxy.Proxy'],
  ['POST', '/proxies', { name: 5 }, 400, 'bad request body: json: cannot unmarshal number into Go struct field Proxy.name of type string'],
  ['POST', '/proxies', { enabled: 'yes', name: 'x' }, 400, 'bad request body: json: cannot unmarshal string into Go struct field Proxy.enabled of type bool'],
  ['POST', '/proxies', {}, 400, 'missing required field: name'],
  ['POST', '/proxies', { name: 'x' }, 400, 'missing required field: upstream'],
  ['POST', '/proxies', { name: 'p', upstream: 'x:1' }, 409, 'proxy already exists'],
  ['POST', '/proxies', { name: 'x', upstream: 'x:1', listen: '127.0.0.1' }, 500, 'listen tcp: address 127.0.0.1: missing port in address'],
  ['POST', '/proxies', { name: 'x', upstream: 'x:1', listen: '::1:80' }, 500, 'listen tcp: address ::1:80: too many colons in address'],
  ['POST', '/proxies', { name: 'x', upstream: 'x:1', listen: '127.0.0.1:65536' }, 500, 'listen tcp: address 65536: invalid port'],
  ['POST', '/proxies', { name: 'x', upstream: 'x:1', listen: '192.0.2.1:4000' }, 500, 'listen tcp 192.0.2.1:4000: bind: cannot assign requested address'],
  ['GET', '/proxies/x', undefined, 404, 'proxy not found'],
  ['POST', '/proxies/x', {}, 404, 'proxy not found'],
  ['DELETE', '/proxies/x', undefined, 404, 'proxy not found'],
  ['GET', '/proxies/x/toxics', undefined, 404, 'proxy not found'],
  ['POST', '/proxies/x/toxics', {}, 404, 'proxy not found'],
  ['GET', '/proxies/p/toxics/x', undefined, 404, 'toxic not found'],
  ['POST', '/proxies/p/toxics/x', {}, 404, 'toxic not found'],
  ['DELETE', '/proxies/p/toxics/x', undefined, 404, 'toxic not found'],
  ['POST', '/proxies/p/toxics', {}, 400, 'invalid toxic type'],
  ['POST', '/proxies/p/toxics', { type: 'LATENCY' }, 400, 'invalid toxic type'],
  ['POST', '/proxies/p/toxics', { type: 'latency', stream: '' }, 400, 'stream was invalid, can be either upstream or downstream'],
  ['POST', '/proxies/p/toxics', { type: 'latency', stream: 'both' }, 400, 'stream was invalid, can be either upstream or downstream'],
  ['POST', '/proxies/p/toxics', { type: 'noop', name: 'taken', stream: 'upstream' }, 409, 'toxic already exists'],
  ['POST', '/proxies/p/toxics', '{"type":"latency","attributes":{"latency":1.5}}', 400, 'bad request body: json: cannot unmarshal number 1.5 into Go struct field LatencyToxic.attributes.latency of type int64'],
  ['POST', '/proxies/p/toxics', '{"type":"latency","attributes":{"latency":1000.0}}', 400, 'bad request body: json: cannot unmarshal number 1000.0 into Go struct field LatencyToxic.attributes.latency of type int64'],
  ['POST', '/proxies/p/toxics', '{"type":"latency","attributes":{"latency":"100"}}', 400, 'bad request body: json: cannot unmarshal string into Go struct field LatencyToxic.attributes.latency of type int64'],
  ['POST', '/proxies/p/toxics', { type: 'bandwidth', attributes: { rate: -1 } }, 400, 'bad request body: rate -1: expected KB/s, 0 or more'],
  ['POST', '/proxies/p/toxics', { type: 'slicer' }, 400, 'bad request body: average_size 0: expected bytes, 1 or more'],
]

test('what is wrong is said in the words that clients know', async (t) => {
  const { ask } = await controlled(t)
  await ask('POST', '/proxies', { name: 'p', upstream: 'localhost:1' })
  await ask('POST', '/proxies/p/toxics', { type: 'noop', name: 'taken' })
  const before = (await ask('GET', '/proxies')).text
  for (const [method, path, body, status, message] of refusals) {
    t.deepEqual(await ask(method, path, body), { status, type: plain, text: `${JSON.stringify({ error: message, status })}\n` }, `${method} ${path} ${JSON.stringify(body)}`)
  }
  t.is((await ask('GET', '/proxies')).text, before)
})

test('a port that is taken, as Go words it', async (t) => {
  const { ask, relay } = await controlled(t)
  const { port } = await serve(t, (socket) => socket.destroy())
  const error = { status: 500, type: plain, text: `{"error":"listen tcp 127.0.0.1:${port}: bind: address already in use","status":500}\n` }
  t.deepEqual(await ask('POST', '/proxies', { name: 'x', listen: `localhost:${port}`, upstream: 'x:1' }), error)
  t.is(relay.listeners.length, 0)
  const { text } = await ask('POST', '/proxies', { name: 'x', upstream: 'x:1' })
  t.deepEqual(await ask('POST', '/proxies/x', { listen: `127.0.0.1:${port}`, upstream: 'y:1' }), error)
  t.is((await ask('GET', '/proxies/x')).text, text)
  await ask('POST', '/proxies/x', { enabled: false })
  const disabled = (await ask('GET', '/proxies/x')).text
  t.deepEqual(await ask('POST', '/proxies/x', { listen: `127.0.0.1:${port}`, enabled: true }), error)
  t.is((await ask('GET', '/proxies/x')).text, disabled)
})

test('curl sees status lines, types and nothing more than the original sends', async (t) => {
  const { url } = await controlled(t)
  const curl = async (...args: string[]): Promise<string> => (await run(t, 'curl', ['-s', '-i', ...args])).stdout.toString().replaceAll('\r\n', '\n').replace(/^(?:Date|Keep-Alive|Connection): .*\n/gm, '')
  t.is(await curl(`${url}/nope`), 'HTTP/1.1 404 Not Found\nContent-Type: text/plain; charset=utf-8\nX-Content-Type-Options: nosniff\nContent-Length: 19\n\n404 page not found\n')
  t.regex(await curl(`${url}/proxies/`), /^HTTP\/1\.1 404 /)
  t.is(await curl('-X', 'PUT', `${url}/proxies`), 'HTTP/1.1 405 Method Not Allowed\nContent-Length: 0\n\n')
  t.is(await curl('-X', 'OPTIONS', `${url}/proxies`), 'HTTP/1.1 405 Method Not Allowed\nContent-Length: 0\n\n')
  t.is(await curl('-I', `${url}/version`), 'HTTP/1.1 405 Method Not Allowed\nContent-Length: 0\n\n')
  t.regex(await curl(`${url}/proxies/x`), /^HTTP\/1\.1 404 Not Found\nX-Toxiproxy-Request-Id: [0-9a-v]{20}\nContent-Type: text\/plain; charset=utf-8\nX-Content-Type-Options: nosniff\nContent-Length: 41\n\n\{"error":"proxy not found","status":404\}\n$/)
  t.regex(await curl('-X', 'POST', `${url}/reset`), /^HTTP\/1\.1 204 No Content\nX-Toxiproxy-Request-Id: [0-9a-v]{20}\n\n$/)
})

test('an update changes what it names: the same place by another name restarts nothing, another place drops what is open', async (t) => {
  const { ask, relay } = await controlled(t)
  const echo = await echoServer(t)
  await ask('POST', '/proxies', { name: 'p', listen: `localhost:${await freePort()}`, upstream: `127.0.0.1:${echo}` })
  await ask('POST', '/proxies/p/toxics', { type: 'noop' })
  const { port } = relay
  const peer = await connectTo(t, port)
  t.is((await peer.write('a').take(1)).toString(), 'a')
  const same = await ask('POST', '/proxies/p', { name: 'other', listen: `localhost:${port}`, enabled: null })
  t.is(same.text, `{"name":"p","listen":"127.0.0.1:${port}","upstream":"127.0.0.1:${echo}","enabled":true,"toxics":[{"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":1}]}`)
  t.is((await peer.write('b').take(1)).toString(), 'b')
  const moved = await ask('PATCH', '/proxies/p', { upstream: `localhost:${echo}` })
  t.is(moved.text, same.text.replace(`"upstream":"127.0.0.1`, `"upstream":"localhost`))
  await peer.over()
  const second = await connectTo(t, port)
  t.is((await second.write('c').take(1)).toString(), 'c')
  t.regex((await ask('POST', '/proxies/p', { enabled: false })).text, /"enabled":false,"toxics":\[\{/)
  await second.over()
  await t.throwsAsync(connectTo(t, port), { message: /ECONNREFUSED/ })
  t.is((await ask('POST', '/proxies/p/toxics', { type: 'noop', stream: 'upstream' })).status, 200)
  await ask('POST', '/proxies/p', { enabled: true })
  const third = await connectTo(t, port)
  t.is((await third.write('d').take(1)).toString(), 'd')
  const elsewhere = JSON.parse((await ask('POST', '/proxies/p', { listen: '127.0.0.1:0' })).text) as { listen: string, toxics: unknown[] }
  t.not(elsewhere.listen, `127.0.0.1:${port}`)
  t.is(elsewhere.toxics.length, 2)
  await third.over()
})

test('a toxic update that is refused changes nothing', async (t) => {
  const { ask } = await controlled(t)
  await ask('POST', '/proxies', { name: 'p', upstream: 'localhost:1' })
  await ask('POST', '/proxies/p/toxics', { type: 'slicer', attributes: { average_size: 5, delay: 1 } })
  const before = await ask('GET', '/proxies/p/toxics/slicer_downstream')
  for (const body of ['{"toxicity":0.2,"attributes":{"average_size":7,"delay":"x"}}', '{"attributes":{"delay":9,"average_size":0}}', '{"attributes":{"delay":9},"toxicity":"1"}', '{"attributes":{"delay":9}']) {
    t.is((await ask('POST', '/proxies/p/toxics/slicer_downstream', body)).status, 400, body)
  }
  t.deepEqual(await ask('GET', '/proxies/p/toxics/slicer_downstream'), before)
})

test('populate: checked first, then in order, stopping at the first failure', async (t) => {
  const { ask } = await controlled(t)
  t.deepEqual(await ask('POST', '/populate', []), { status: 201, type: 'application/json', text: '{"proxies":null}' })
  t.deepEqual(await ask('POST', '/populate', [{ name: 'a', upstream: 'x:1' }, { upstream: 'x:1' }]), { status: 400, type: 'application/json', text: '{"error":"missing required field: name at proxy 2","status":400,"proxies":null}' })
  t.deepEqual(await ask('POST', '/populate', [{ name: 'a', upstream: 'x:1' }, { name: 'b' }]), { status: 400, type: 'application/json', text: '{"error":"missing required field: upstream at proxy 2","status":400,"proxies":null}' })
  t.is((await ask('GET', '/proxies')).text, '{}')
  const [one, two] = [await freePort(), await freePort()]
  const { port: taken } = await serve(t, (socket) => socket.destroy())
  const a = `{"name":"a","listen":"127.0.0.1:${one}","upstream":"x:1","enabled":true,"toxics":[]}`
  t.deepEqual(await ask('POST', '/populate', [{ name: 'a', upstream: 'x:1', listen: `localhost:${one}` }, { name: 'b', upstream: 'x:1', listen: `127.0.0.1:${taken}` }, { name: 'c', upstream: 'x:1' }]),
    { status: 500, type: 'application/json', text: `{"error":"listen tcp 127.0.0.1:${taken}: bind: address already in use","status":500,"proxies":[${a}]}` })
  t.is((await ask('GET', '/proxies')).text, `{"a":${a}}`)
  await ask('POST', '/proxies/a/toxics', { type: 'noop' })
  await ask('POST', '/proxies/a', { enabled: false })
  const kept = (await ask('GET', '/proxies/a')).text
  t.is((await ask('POST', '/populate', [{ name: 'a', upstream: 'x:1', listen: `127.0.0.1:${one}`, toxics: [] }])).text, `{"proxies":[${kept}]}`)
  const replaced = a.replace(`:${one}`, `:${two}`)
  t.is((await ask('POST', '/populate', [{ name: 'a', upstream: 'x:1', listen: `127.0.0.1:${two}` }])).text, `{"proxies":[${replaced}]}`)
})

test('populate takes toxics, and refuses the whole where one of them is wrong', async (t) => {
  const { ask } = await controlled(t)
  const list = (attributes: unknown): unknown => [{ name: 'a', upstream: 'x:1', toxics: [{ type: 'latency', attributes }, { type: 'timeout', stream: 'upstream', name: 't' }] }]
  const { text } = await ask('POST', '/populate', list({ latency: 'x' }))
  t.is(text, '{"error":"bad request body: toxic 1 at proxy 1: json: cannot unmarshal string into Go struct field LatencyToxic.attributes.latency of type int64","status":400,"proxies":null}')
  t.is((await ask('GET', '/proxies')).text, '{}')
  const made = JSON.parse((await ask('POST', '/populate', list({ latency: 5 }))).text) as { proxies: [{ toxics: { name: string }[] }] }
  t.deepEqual(made.proxies[0].toxics.map(({ name }) => name), ['t', 'latency_downstream'])
  // What GET gave can be given back.
  t.is((await ask('POST', '/populate', Object.values(JSON.parse((await ask('GET', '/proxies')).text) as object))).text, JSON.stringify(made))
})

test('reset enables every proxy and removes all toxics', async (t) => {
  const { ask, relay } = await controlled(t)
  await ask('POST', '/populate', [{ name: 'a', upstream: 'x:1', listen: 'localhost:0', enabled: false }, { name: 'b', upstream: 'x:1', toxics: [{ type: 'noop' }] }])
  t.regex((await ask('GET', '/proxies/a')).text, /"listen":"localhost:0","upstream":"x:1","enabled":false/)
  t.deepEqual(await ask('POST', '/reset'), { status: 204, type: null, text: '' })
  t.regex((await ask('GET', '/proxies/a')).text, /"listen":"127\.0\.0\.1:[1-9]\d*","upstream":"x:1","enabled":true/)
  t.deepEqual(relay.faults, [])
})

test('reset goes on where a proxy can\'t be enabled: all toxics go, the others are enabled, and then the error comes', async (t) => {
  const { ask } = await controlled(t)
  const taken = await echoServer(t)
  const toxics = [{ type: 'noop' }]
  await ask('POST', '/populate', [
    { name: 'a', upstream: 'x:1', toxics }, { name: 'b', upstream: 'x:1', listen: `127.0.0.1:${taken}`, enabled: false, toxics }, { name: 'c', upstream: 'x:1', enabled: false, toxics },
  ])
  t.deepEqual(await ask('POST', '/reset'), { status: 500, type: plain, text: `{"error":"listen tcp 127.0.0.1:${taken}: bind: address already in use","status":500}\n` })
  const proxies = JSON.parse((await ask('GET', '/proxies')).text) as Record<string, { enabled: boolean, toxics: unknown[] }>
  t.deepEqual(Object.entries(proxies).map(([name, { enabled, toxics: left }]) => `${name} ${enabled} ${left.length}`), ['a true 0', 'b false 0', 'c true 0'])
})

test('a disabled proxy can\'t lead to itself either', async (t) => {
  const { ask } = await controlled(t)
  const port = await freePort()
  const itself = { listen: `127.0.0.1:${port}`, upstream: `localhost:${port}`, enabled: false }
  const refusal = { status: 400, type: plain, text: `{"error":"bad request body: --tcp 127.0.0.1:${port}=localhost:${port} relays to itself: name the server behind it as TARGET","status":400}\n` }
  t.deepEqual(await ask('POST', '/proxies', { name: 'a', ...itself }), refusal)
  t.is((await ask('GET', '/proxies')).text, '{}')
  const made = await ask('POST', '/proxies', { name: 'a', upstream: 'x:1', enabled: false })
  t.deepEqual(await ask('POST', '/proxies/a', itself), refusal)
  t.deepEqual(await ask('POST', '/proxies/a', { listen: itself.listen, upstream: itself.upstream }), refusal)
  t.is((await ask('GET', '/proxies/a')).text, made.text)
})

test('a client of a proxy whose upstream is dead sees its connection closed, whatever it has sent', async (t) => {
  const { ask } = await controlled(t)
  await ask('POST', '/proxies', { name: 'dead', upstream: `127.0.0.1:${await freePort()}` })
  const { listen } = JSON.parse((await ask('GET', '/proxies/dead')).text) as { listen: string }
  const quiet = await connectTo(t, Number(listen.split(':')[1]))
  t.is((await quiet.rest()).length, 0)
  const busy = await connectTo(t, Number(listen.split(':')[1]))
  busy.write(Buffer.alloc(10_000))
  t.is((await busy.rest()).length, 0)
})
