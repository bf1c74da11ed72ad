import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { compareRecordings, exportRecording, importCapture, openRecording, parseRelayAddress, redecodeRecording, sendRecording, serveRecording, startControl, startRelay } from 'wiretape'
import { latency } from 'wiretape/faults'
import { connectTo, echoServer } from './real/peer.js'
import { bytesOf, opening, relaying } from './real/relaying.js'
import { temporaryFolder } from './real/temporary-folder.js'
import { Ingesting } from './recording/ingesting.js'

/*
 * What users without types get wrong: each is an error that names the argument, before anything is done.
 */

async function refused(t: ExecutionContext, call: () => unknown, message: string | RegExp): Promise<void> {
  // oxlint-disable-next-line typescript/await-thenable
  await t.throwsAsync(async () => { await call() }, { name: 'WiretapeError', code: 'usage', message })
}

/** Anything, as anything else. */
const wrong = (value: unknown): never => value as never

test('startRelay', async (t) => {
  const path = join(temporaryFolder(t), 'x.sqlite')
  const tcp = '0=127.0.0.1:9'
  for (const [options, message] of [
    [undefined, "startRelay: expected an object of options, such as { http: '8080=http://127.0.0.1:3000' }, not undefined"],
    ['8080=http://127.0.0.1:3000', /^startRelay: expected an object of options/],
    [{ tcp, gracee: 5 }, /^startRelay: there is no option gracee \(did you mean grace\?\); there are http, tcp, /],
    [{ tcp, recrod: path }, /^startRelay: there is no option recrod \(did you mean record\?\)/],
    [{ tcp, insecure: 'no' }, "startRelay: insecure: expected true or false, not 'no'"],
    [{ tcp, onProblem: 'x' }, "startRelay: onProblem: expected a function, not 'x'"],
    [{ tcp, plugins: 'delay' }, "startRelay: plugins: expected a list, not 'delay'"],
    [{ tcp, plugins: [{ plugin: latency, option: { ms: 5 } }] }, /^plugins\[0\]: there is no option option \(did you mean options\?\)/],
    [{ tcp, record: 5 }, /^record: expected an object of options/],
    [{ tcp, record: { path, overwrit: true } }, /^record: there is no option overwrit \(did you mean overwrite\?\)/],
    [{ tcp, record: { path, slowDisk: 'foo' } }, "--slow-disk: expected 'pause' or 'drop', not 'foo'"],
  ] as const) await refused(t, () => startRelay(wrong(options)), message)
  t.false(existsSync(path))
})

test('a running relay: inject, stop, startControl', async (t) => {
  const relay = await relaying(t, { tcp: '0=127.0.0.1:9' })
  await refused(t, () => relay.inject(latency({ ms: 5 }), wrong({ one: relay.listeners[0] })), /^inject: there is no option one \(did you mean on\?\)/)
  await refused(t, () => relay.inject(wrong({ plugin: latency, optoins: {} })), /^inject: there is no option optoins \(did you mean options\?\)/)
  await refused(t, () => relay.stop(wrong({ gracee: 0 })), /^stop: there is no option gracee/)
  await refused(t, () => relay.stop(wrong({ grace: 'now' })), /^--grace now: expected milliseconds/)
  await refused(t, () => startControl(wrong(undefined)), /^startControl: expected what startRelay resolved to/)
  await refused(t, () => startControl(relay, wrong({ prot: 0 })), /^control: there is no option prot \(did you mean port\?\)/)
  t.deepEqual(relay.faults, [])
})

test('a running relay: add, change, with, and the text of an address', async (t) => {
  const relay = await relaying(t, { tcp: '0=127.0.0.1:9' })
  const [listener] = relay.listeners
  const address = parseRelayAddress('tcp', '0=127.0.0.1:9')
  const { target } = address
  for (const [given, message] of [
    [undefined, /; this is undefined$/],
    ['0=127.0.0.1:9', /; this is '0=127.0.0.1:9'$/],
    [{ tcp: '0=127.0.0.1:9' }, /; its protocol is undefined, not one of http, tcp, ftp, udp$/],
    [{ ...address, listen: 0 }, /; its listen has no host$/],
    [{ ...address, listen: { host: '127.0.0.1', port: 65_536 } }, /; its listen has the port 65536, not 0 to 65535$/],
    [{ ...address, target: { ...target, port: 0 } }, /; its target has the port 0, not 1 to 65535$/],
    [{ ...address, target: { host: '127.0.0.1', port: 9 } }, /; its target lacks secure, authority or text$/],
    [{ ...address, unreachable: 'no' }, /; its unreachable is 'no', not 'reset' or 'close'$/],
  ] as const) {
    await refused(t, () => relay.add(wrong(given)), message)
    await refused(t, () => relay.change(listener!, wrong(given)), message)
  }
  await refused(t, () => relay.add(address, wrong(5)), 'add: name: expected a text, or null for one after its protocol and port, not 5')
  await refused(t, () => relay.add(address, null, wrong({ enable: false })), /^add: there is no option enable \(did you mean enabled\?\)/)
  for (const call of [() => relay.change(wrong(5), address), () => relay.enable(wrong(undefined)), () => relay.disable(wrong(null)), () => relay.remove(wrong('tcp'))]) {
    await refused(t, call, /^(?:change|enable|disable|remove): expected one of this relay's listeners, not /)
  }
  await refused(t, () => relay.with(latency({ ms: 5 }), wrong(undefined)), /^with: expected a fault and then a function/)
  await refused(t, () => parseRelayAddress(wrong('smtp'), '0=127.0.0.1:9'), "parseRelayAddress: expected one of http, tcp, ftp, udp first, not 'smtp'")
  await refused(t, () => parseRelayAddress('tcp', wrong(8080)), "parseRelayAddress: expected a text LISTEN=TARGET, such as '15432=127.0.0.1:5432', not 8080")
  t.deepEqual(relay.faults, [])
  t.is(relay.listeners.length, 1)
  const added = await relay.add(address)
  t.is(added.name, `tcp-${added.port}`)
  relay.remove(added)
  relay.remove(added)
  await refused(t, () => relay.enable(added), `enable: the relay ${added.name} was removed: add it anew`)
  await refused(t, () => relay.change(added, address), `change: the relay ${added.name} was removed: add it anew`)
  // One of another relay has the same place there as ours has here.
  const echo = await echoServer(t)
  await relay.change(listener!, parseRelayAddress('tcp', `${listener!.port}=127.0.0.1:${echo}`))
  const peer = await connectTo(t, listener!.port)
  const other = await relaying(t, { tcp: '0=127.0.0.1:9' })
  const [foreign] = other.listeners
  for (const call of [() => relay.disable(foreign!), () => relay.remove(foreign!), () => relay.enable(foreign!), () => relay.change(foreign!, address)]) await refused(t, call, /expected one of this relay's listeners, not /)
  t.is((await peer.write('x').take(1)).toString(), 'x')
})

test('a recording: selections, sides, directions, and what is asked of it once it is closed', async (t) => {
  const tape = new Ingesting(t)
  const handle = tape.opens('http')
  tape.says(handle, 'up', 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n')
  tape.says(handle, 'down', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  tape.closes(handle)
  const recording = tape.recorded()
  await refused(t, () => recording.exchanges(wrong({ were: 'status = 200' })), 'selection: there is no option were (did you mean where?); there are where, matching, after, limit')
  await refused(t, () => recording.exchanges(wrong("path = '/a'")), /^selection: expected an object of options, such as \{ where: "status >= 500" \}, not "path = '\/a'"$/)
  await refused(t, () => recording.records(wrong({ after: 'x' })), 'selection: after: expected an id, not x')
  const [exchange] = recording.exchanges()
  const { id, connectionId } = exchange!
  await refused(t, () => recording.body(id, wrong('foo')), "side: expected 'request' or 'response', not 'foo'")
  await refused(t, () => recording.message(id, 'request', wrong('foo')), "leg: expected 'received' or 'sent', not 'foo'")
  await refused(t, () => recording.stream(connectionId, wrong('request')), "direction: expected 'up' or 'down', not 'request'")
  await refused(t, () => recording.body(wrong('2'), 'request'), "'2' is not an id: wiretape ls lists them")
  await refused(t, () => openRecording(wrong(5)), 'openRecording: expected the path of a recording, not 5')
  t.is((await bytesOf(recording.body(id, 'response'))).toString(), 'ok')
  const later = recording.exchanges()
  recording.close()
  const closed = `${recording.path} was closed, and is read no more: openRecording opens it again`
  await refused(t, () => [...recording.exchanges()], closed)
  await refused(t, () => [...later], closed)
  await refused(t, () => recording.exchange(id), closed)
  await refused(t, () => recording.facts(), closed)
  await refused(t, () => bytesOf(recording.body(id, 'response')), closed)
  recording.close()
})

test('what works on files', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'x.sqlite')
  const relay = await relaying(t, { tcp: `0=127.0.0.1:${await echoServer(t)}`, record: path })
  await (await connectTo(t, relay.port)).write('x').take(1)
  await relay.stop({ grace: 0 })
  opening(t, path)
  const output = join(folder, 'out')
  await refused(t, () => importCapture(wrong(5)), 'importCapture: expected the path of a capture, or a list of them, not 5')
  await refused(t, () => importCapture('x.pcap', wrong({ output })), /^importCapture: there is no option output; there are path, /)
  await refused(t, () => exportRecording(path, wrong(undefined)), /^exportRecording: expected an object of options, such as/)
  await refused(t, () => exportRecording(path, wrong({ format: 'har' })), 'exportRecording: output: expected a path or a stream, not undefined')
  await refused(t, () => exportRecording(path, wrong({ format: 'har', output, wher: 'x' })), /no option wher \(did you mean where\?\)/)
  await refused(t, () => exportRecording(path, wrong({ format: 'raw', id: 1, output, body: 'up' })), "--body: expected 'request' or 'response', not 'up'")
  await refused(t, () => redecodeRecording(path, wrong({ path: output })), /^redecodeRecording: there is no option path; there are output, overwrite$/)
  await refused(t, () => compareRecordings(path, path, wrong({ ignroe: [] })), /^compareRecordings: there is no option ignroe \(did you mean ignore\?\)/)
  await refused(t, () => compareRecordings(path, path, wrong({ ignore: 'status' })), "compareRecordings: ignore: expected a list, not 'status'")
  await refused(t, () => sendRecording(path, wrong(undefined)), /^send: expected an object of options/)
  await refused(t, () => sendRecording(path, wrong({ to: '127.0.0.1:9', on: 'x' })), /^send: there is no option on/)
  await refused(t, () => sendRecording(path, wrong({})), /to/)
  await refused(t, () => serveRecording(path, wrong(undefined)), /^serve: expected an object of options/)
  await refused(t, () => serveRecording(path, wrong({ tcp: 0, onProblem: 'x' })), "serve: onProblem: expected a function, not 'x'")
  t.deepEqual(readdirSync(folder).sort(), ['x.sqlite'])
})
