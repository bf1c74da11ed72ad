import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Relay } from 'wiretape'
import { until } from '../real/deadline.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import type { FtpServer, FtpServerKind } from '../real/ftp/server.js'
import { vsftpd } from '../real/ftp/vsftpd.js'
import { relaying, taping } from '../real/relaying.js'
import { curlFtp, fileOf, ftplib } from './ftp-client.js'
import { untimed } from './untimed.js'

const content = Buffer.alloc(400_000, 'download')
const upload = Buffer.alloc(400_000, 'upload')

const told = (relay: Relay): string[] => relay.journal().filter(({ kind }) => kind !== 'changed').map(({ fault, kind, text }) => `${fault} ${kind} ${text}`)

for (const kind of [vsftpd, pyftpdlib] satisfies FtpServerKind[]) {
  // One after another: each starts servers and clients of its own.
  const on = kind.available ? test.serial : test.serial.skip

  const serving = async (t: ExecutionContext): Promise<FtpServer> => {
    const server = await kind.start(t)
    writeFileSync(join(server.folder, 'file'), content)
    return server
  }
  const through = async (t: ExecutionContext, ...plugins: string[]): Promise<{ server: FtpServer, relay: Relay }> => {
    const server = await serving(t)
    return { server, relay: await relaying(t, { ftp: `0=127.0.0.1:${server.port}`, plugins }) }
  }
  const stored = (server: FtpServer, name: string): number | null => existsSync(join(server.folder, name)) ? readFileSync(join(server.folder, name)).length : null

  on(`${kind.name}: ftp-refuse answers the commands that it is for, and the server doesn't get them`, async (t) => {
    const server = await serving(t)
    const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}`, plugins: ['ftp-refuse:verb=retr+dele,text=Not today.', 'ftp-refuse:verb=STOR,code=452,every=2'] })
    const outcomes = await ftplib(t, tape.relay, server, 'RETR file', 'DELE file', 'STOR one', 'STOR two', 'PWD')
    t.deepEqual(outcomes.map(([how, said]) => how === 'fine' ? how : `${how} ${said}`), ['error_perm 550 Not today.', 'error_perm 550 Not today.', 'fine', 'error_temp 452 Refused.', 'fine'])
    t.is((await curlFtp(t, tape.relay, server, 'file')).code, 78)
    t.deepEqual([stored(server, 'file'), stored(server, 'one'), stored(server, 'two')], [content.length, upload.length, null])
    t.deepEqual(told(tape.relay), [
      'ftp-refuse answered ftp.command: answered with 550', 'ftp-refuse answered ftp.command: answered with 550', 'ftp-refuse answered ftp.command: answered with 452',
      'ftp-refuse answered ftp.command: answered with 550',
    ])
    const refused = [...(await tape.recorded()).ftpCommands()].filter(({ changed }) => changed)
    t.deepEqual(refused.map(({ verb, code }) => `${verb} ${code}`), ['RETR 550', 'DELE 550', 'STOR 452', 'RETR 550'])
  })

  on(`${kind.name}: ftp-kill ends the control connection before the server gets the command, or after`, async (t) => {
    const before = await through(t, 'ftp-kill:verb=DELE')
    t.deepEqual((await ftplib(t, before.relay, before.server, 'PWD', 'DELE file')).map(([how]) => how), ['fine', 'EOFError'])
    t.is(stored(before.server, 'file'), content.length)
    t.deepEqual(told(before.relay), ['ftp-kill plugin-closed ftp.command: connection closed'])
    const after = await through(t, 'ftp-kill:verb=DELE,when=after,how=reset')
    t.deepEqual((await ftplib(t, after.relay, after.server, 'PWD', 'DELE file')).map(([how]) => how), ['fine', 'ConnectionResetError'])
    await until(() => stored(after.server, 'file') === null, 'the file to go')
    t.deepEqual(told(after.relay), ['ftp-kill plugin-reset ftp.reply: connection reset'])
    t.is((await curlFtp(t, after.relay, after.server, '', '-Q', 'DELE nothing')).code, 56)
    const second = await through(t, 'ftp-kill:verb=RETR,when=after,every=2')
    t.deepEqual((await ftplib(t, second.relay, second.server, 'RETR file', 'RETR file')).map(([how, , bytes]) => `${how} ${bytes}`), [`fine ${content.length}`, 'EOFError 0'])
  })

  on(`${kind.name}: ftp-data refuses, ends and delays data connections`, async (t) => {
    const refusing = await through(t, 'ftp-data:direction=up')
    t.deepEqual((await ftplib(t, refusing.relay, refusing.server, 'STOR up', 'RETR file')).map(([how, said]) => how === 'fine' ? how : `${how} ${said}`), ['error_temp 425 Can\'t open data connection.', 'fine'])
    t.is(stored(refusing.server, 'up'), null)
    t.is((await curlFtp(t, refusing.relay, refusing.server, 'up', '-T', fileOf(t, upload))).code, 25)
    const closing = await through(t, 'ftp-data:how=close,verb=RETR')
    const [closed] = await ftplib(t, closing.relay, closing.server, 'RETR file')
    // What has gone into the system's buffers by then, a server may take for sent: some say 226.
    t.is(closed![2], 0)
    t.regex(closed![1], /^(?:226|426) /)
    t.deepEqual(told(closing.relay), ['ftp-data plugin-closed ftp.transfer: connection closed'])
    t.is((await curlFtp(t, closing.relay, closing.server, 'file')).code, 18)
    const resetting = await through(t, 'ftp-data:how=reset')
    t.is((await ftplib(t, resetting.relay, resetting.server, 'RETR file'))[0]![0], 'ConnectionResetError')
    t.is((await curlFtp(t, resetting.relay, resetting.server, 'file')).code, 56)
    const slow = await through(t, 'ftp-data:how=delay,ms=400')
    const began = performance.now()
    t.deepEqual((await ftplib(t, slow.relay, slow.server, 'RETR file')).map(([how, , bytes]) => [how, bytes]), [['fine', content.length]])
    t.true(performance.now() - began >= 399)
    t.like(slow.relay.journal()[0], { kind: 'delayed', delayMs: 400, hook: 'ftp.transfer', direction: 'down' })
  })

  on(`${kind.name}: ftp-cut ends a download in the middle, in order or not`, async (t) => {
    const closing = await through(t, 'ftp-cut:after=1000')
    const got = await curlFtp(t, closing.relay, closing.server, 'file')
    t.deepEqual([got.code, got.bytes.length], [18, 1000], closing.relay.journal().map(({ text }) => text).join())
    t.true(got.bytes.equals(content.subarray(0, 1000)))
    t.is((await ftplib(t, closing.relay, closing.server, 'RETR file'))[0]![2], 1000)
    t.deepEqual(told(closing.relay), ['ftp-cut fault ftp.data: RETR cut after 1000 bytes, data connection closed', 'ftp-cut fault ftp.data: RETR cut after 1000 bytes, data connection closed'])
    const resetting = await through(t, 'ftp-cut:after=1000,how=reset')
    t.deepEqual((await ftplib(t, resetting.relay, resetting.server, 'RETR file')).map(([how, , bytes]) => `${how} ${bytes}`), ['ConnectionResetError 1000'])
    t.is((await curlFtp(t, resetting.relay, resetting.server, 'file')).code, 56)
    const longer = await through(t, `ftp-cut:after=${content.length}`)
    t.deepEqual((await ftplib(t, longer.relay, longer.server, 'RETR file', 'STOR up')).map(([how, , bytes]) => `${how} ${bytes}`), [`fine ${content.length}`, 'fine 0'])
    t.deepEqual(told(longer.relay), [])
    t.is(stored(longer.server, 'up'), upload.length)
  })

  on(`${kind.name}: ftp-cut ends an upload in the middle: the server has a part and takes it for all where the end is in order`, async (t) => {
    const closing = await through(t, 'ftp-cut:after=1000,direction=up')
    await ftplib(t, closing.relay, closing.server, 'STOR up')
    await until(() => stored(closing.server, 'up') === 1000, 'the part')
    t.deepEqual(told(closing.relay), ['ftp-cut fault ftp.data: STOR cut after 1000 bytes, data connection closed'])
    const resetting = await through(t, 'ftp-cut:after=1000,how=reset')
    const [outcome] = await ftplib(t, resetting.relay, resetting.server, 'STOR up')
    // pyftpdlib takes a reset for an end.
    if (kind === vsftpd) t.not(outcome![0], 'fine')
    t.true((stored(resetting.server, 'up') ?? 0) <= 1000)
    t.deepEqual(told(resetting.relay), ['ftp-cut fault ftp.data: STOR cut after 1000 bytes, data connection reset'])
  })

  on(`${kind.name}: ftp-late-error says that a transfer failed which didn't`, async (t) => {
    const server = await serving(t)
    const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}`, plugins: ['ftp-late-error:verb=RETR+STOR'] })
    const outcomes = await ftplib(t, tape.relay, server, 'RETR file', 'STOR up', 'PWD')
    t.deepEqual(outcomes.map(([how, said, bytes]) => how === 'fine' ? how : `${how} ${said} ${bytes}`), [
      `error_temp 426 Connection closed; transfer aborted. ${content.length}`, 'error_temp 426 Connection closed; transfer aborted. 0', 'fine',
    ])
    t.is(stored(server, 'up'), upload.length)
    t.deepEqual(told(tape.relay), ['ftp-late-error answered ftp.reply: answered with 426', 'ftp-late-error answered ftp.reply: answered with 426'])
    const got = await curlFtp(t, tape.relay, server, 'file')
    t.deepEqual([got.code, got.bytes.length], [18, content.length])
    const recording = await tape.recorded()
    t.deepEqual([...recording.ftpCommands()].filter(({ verb }) => verb === 'RETR').map(({ code, changed }) => [code, changed]), [[226, true], [226, true]])
  })
}

;(pyftpdlib.available ? test : test.skip)('a share of commands: the same ones with the same seed', async (t) => {
  const server = await pyftpdlib.start(t)
  const round = async (seed: number): Promise<unknown> => {
    const relay = await relaying(t, { ftp: `0=127.0.0.1:${server.port}`, plugins: ['ftp-refuse:verb=PWD,share=0.5'], seed })
    const outcomes = await ftplib(t, relay, server, ...Array.from({ length: 16 }, () => 'PWD'))
    return { outcomes, journal: untimed(relay.journal()) }
  }
  const first = await round(1)
  t.deepEqual(await round(1), first)
  t.notDeepEqual(await round(2), first)
})
