import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { selfSigned } from '../real/certificate.js'
import { until } from '../real/deadline.js'
import { curlClient } from '../real/ftp/curl.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import { vsftpd } from '../real/ftp/vsftpd.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { bytesOf, opening, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { controlPair } from './control-pair.js'
import { assertCompleted, onlyTransfer } from './sound.js'

test('after AUTH TLS and 234, both directions pass as they are and are recorded as opaque', async (t) => {
  const pair = await controlPair(t)
  await pair.asks('AUTH TLS')
  await pair.answers('234 Proceed')
  const [up, down] = [randomBytes(50_000), Buffer.concat([Buffer.from('227 (127,0,0,1,4,5)\r\n'), randomBytes(50_000)])] as const
  pair.client.write(up)
  t.true((await pair.server.take(up.length)).equals(up))
  pair.server.write(down)
  t.true((await pair.client.take(down.length)).equals(down))
  const open = opening(t, pair.tape.path)
  await until(() => open.relays().length > 0 && [...open.segments({ where: 'length(bytes) > 1000' })].some(({ direction }) => direction === 'up'), 'a commit')
  pair.client.write(up)
  await pair.server.take(up.length)
  const recording = await pair.over()
  const [session] = recording.ftpSessions()
  t.true(session!.tls)
  t.deepEqual([...recording.ftpCommands()].map(({ verb, argument, code }) => [verb, argument, code]), [['AUTH', 'TLS', 234]])
  t.is([...recording.events({ where: 'kind = \'ftp-tls\'' })].length, 1)
  for (const [direction, bytes] of [['up', Buffer.concat([up, up])], ['down', down]] as const) {
    const opaque = [...recording.segments({ where: `kind = 'opaque' and direction = '${direction}'` })]
    t.true(Buffer.concat(opaque.map(({ bytes }) => bytes)).equals(bytes), direction)
    t.true((await bytesOf(recording.stream(session!.connectionId, direction))).subarray(-bytes.length).equals(bytes))
  }
})

test('a handshake that comes with the reply before it, in one packet, passes as it is', async (t) => {
  const pair = await controlPair(t)
  const hello = randomBytes(300)
  await pair.asks('AUTH TLS')
  pair.server.write(Buffer.concat([Buffer.from('234 Proceed\r\n'), hello]))
  t.true((await pair.client.take(13 + 300)).subarray(13).equals(hello))
})

test('an AUTH that the server refuses leaves the session in the clear', async (t) => {
  const pair = await controlPair(t)
  await pair.asks('AUTH TLS')
  await pair.answers('502 Not here')
  await pair.passive()
  const recording = await pair.over()
  t.false([...recording.ftpSessions()][0]!.tls)
  t.is([...recording.events()].length, 0)
})

test('ftpRefuseTls: AUTH is answered with 534, the server never sees it, and the session goes on', async (t) => {
  const pair = await controlPair(t, { ftpRefuseTls: true })
  pair.client.write('AUTH TLS\r\n')
  t.is(await pair.server.through('\r\n'), 'NOOP\r\n')
  pair.server.write('530 Log in first.\r\n')
  t.regex(await pair.client.through('\r\n'), /^534 [^\r]+\r\n$/)
  await pair.asks('USER anonymous')
  await pair.answers('331 Password?')
  const recording = await pair.over()
  const [auth] = recording.ftpCommands({ where: 'verb = \'AUTH\'' })
  t.is(auth!.code, 534)
  t.true(auth!.changed)
  t.is([...recording.events({ where: 'kind = \'ftp-tls-refused\'' })].length, 1)
})

const withVsftpd = vsftpd.available && curlClient.available && installed('openssl') ? test : test.skip

withVsftpd('curl that would like TLS goes on in the clear with vsftpd when it is refused, and without that takes it', async (t) => {
  const { key, cert } = selfSigned(temporaryFolder(t))
  const pem = join(temporaryFolder(t), 'both.pem')
  writeFileSync(pem, Buffer.concat([key, cert]))
  const server = await vsftpd.start(t, '127.0.0.1', {
    ssl_enable: 'YES', allow_anon_ssl: 'YES', rsa_cert_file: pem, rsa_private_key_file: pem, require_ssl_reuse: 'NO', ssl_ciphers: 'HIGH',
  })
  const bytes = randomBytes(100_000)
  writeFileSync(join(server.folder, 'file'), bytes)
  const path = join(temporaryFolder(t), 'got')
  for (const ftpRefuseTls of [true, false]) {
    const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}`, ftpRefuseTls })
    const args = ['-sSk', '--ssl', '--connect-timeout', '60', '-o', path, `ftp://127.0.0.1:${tape.port}/file`]
    const curl = await run(t, 'curl', ftpRefuseTls ? args : [...args, '--quote', 'NOOP', '--head'])
    t.is(curl.code, 0, curl.stderr)
    const recording = await tape.recorded()
    t.is([...recording.ftpSessions()][0]!.tls, !ftpRefuseTls)
    if (ftpRefuseTls) await assertCompleted(t, recording, onlyTransfer(recording), bytes)
    else t.deepEqual([...recording.ftpCommands()].map(({ verb }) => verb), ['AUTH'])
  }
})

const withPyftpdlib = pyftpdlib.available && curlClient.available ? test : test.skip

withPyftpdlib('curl that would like TLS stays in the clear with pyftpdlib, which has none', async (t) => {
  const server = await pyftpdlib.start(t)
  const bytes = randomBytes(100_000)
  writeFileSync(join(server.folder, 'file'), bytes)
  const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
  const curl = await run(t, 'curl', ['-sS', '--ssl', '-u', `${server.user}:${server.password}`, `ftp://127.0.0.1:${tape.port}/file`])
  t.true(curl.stdout.equals(bytes), curl.stderr)
  const recording = await tape.recorded()
  await assertCompleted(t, recording, onlyTransfer(recording), bytes)
})
