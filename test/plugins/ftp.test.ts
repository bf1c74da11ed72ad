import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { close, definePlugin, delay, drop, reply, reset } from 'wiretape'
import type { AnyPlugin, FtpHooks, FtpTransferEnd, Recording } from 'wiretape'
import { controlPair, sixNumbers } from '../ftp/control-pair.js'
import type { ControlPair } from '../ftp/control-pair.js'
import { until } from '../real/deadline.js'
import type { Place } from '../real/ftp/client.js'
import { curlClient } from '../real/ftp/curl.js'
import { ftplibClient } from '../real/ftp/ftplib.js'
import { lftpClient } from '../real/ftp/lftp.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import type { FtpServer } from '../real/ftp/server.js'
import { vsftpd } from '../real/ftp/vsftpd.js'
import { connectTo } from '../real/peer.js'
import { bytesOf, taping } from '../real/relaying.js'
import type { Taped } from '../real/relaying.js'

function plugin(name: string, ftp: FtpHooks, more: { onError?: 'cut', timeout?: number } = {}): AnyPlugin {
  return definePlugin({ name, description: name, ...more, setup: () => ({ ftp }) })
}

/** Commands with what became of them, what was sent instead, and what plugins did to which command. */
function toldOf(recording: Recording): { commands: string[], sent: string[], events: string[] } {
  const commands = [...recording.ftpCommands()]
  const names = new Map(commands.map(({ id, verb }) => [id, verb]))
  const name = (id: number | null): string => id === null ? '-' : names.get(id) ?? '?'
  return {
    commands: commands.map(({ verb, argument, code, text, changed }) => `${verb} ${argument ?? '-'} → ${code ?? 'none'} ${text ?? '-'}${changed ? ' *' : ''}`),
    sent: [...recording.segments({ where: `leg = 'sent'` })].map(({ direction, messageId, replaces, bytes }) => `${direction} ${name(messageId)} ${replaces} ${bytes.toString('latin1')}`),
    events: [...recording.events({ where: `source not in ('relay', 'decoder', 'recorder')` })].map(({ kind, source, hook, messageId }) => `${kind} ${source} ${hook} ${name(messageId)}`),
  }
}

async function pairWith(t: ExecutionContext, ...plugins: AnyPlugin[]): Promise<ControlPair> {
  return controlPair(t, { plugins, seed: 1 })
}

test('a command is changed in place: its own bytes stay where it wasn\'t, and both versions are kept', async (t) => {
  const { client, server, asks, answers, over } = await pairWith(t, plugin('change', {
    command: (command) => {
      if (command.argument === 'old') command.argument = 'n\u00e9w'
      if (command.verb === 'XPWD') command.verb = 'pwd'
      if (command.verb === 'XCWD') command.verb = 'CWD'
    },
  }))
  client.write('CWD old\r\n')
  t.is(await server.through('\r\n'), Buffer.from('CWD néw\r\n').toString('latin1'))
  await answers('250 there')
  client.write('xpwd\r\n')
  t.is(await server.through('\r\n'), 'PWD\r\n')
  await answers('257 "/"')
  client.write('XCWD  \xe4 \xff\xff\r\n')
  t.is(await server.through('\r\n'), 'CWD  \xe4 \xff\xff\r\n')
  await answers('250 there')
  await asks('cwd  as it \xe4 came')
  await answers('250 there')
  const told = toldOf(await over())
  t.deepEqual(told.commands, ['CWD old → 250 there *', 'XPWD - → 257 "/" *', 'XCWD  ä ÿ → 250 there *', 'CWD  as it ä came → 250 there'])
  t.deepEqual(told.sent.map((line) => line.trimEnd()), ['up CWD 9 CWD n\xc3\xa9w', 'up XPWD 6 PWD', 'up XCWD 12 CWD  \xe4 \xff\xff'])
  t.deepEqual(told.events, ['changed change ftp.command CWD', 'changed change ftp.command XPWD', 'changed change ftp.command XCWD'])
})

test('pipelined commands that are answered and dropped: replies keep their order', async (t) => {
  const { client, server, over } = await pairWith(t, plugin('act', {
    command: async ({ verb }) => {
      await sleep(2)
      return verb === 'STOR' ? reply(552, 'Quota exceeded.\n552 is what you get\nsorry') : verb === 'SITE' ? drop() : undefined
    },
  }))
  client.write('PWD\r\nSTOR x\r\nSITE hidden\r\nSYST\r\n')
  t.is(await server.through('SYST\r\n'), 'PWD\r\nNOOP\r\nNOOP\r\nSYST\r\n')
  server.write('257 "/"\r\n200 fine\r\n200 fine\r\n215 UNIX\r\n')
  t.is(await client.through('UNIX\r\n'), '257 "/"\r\n552-Quota exceeded.\r\n 552 is what you get\r\n552 sorry\r\n215 UNIX\r\n')
  const recording = await over()
  const told = toldOf(recording)
  t.deepEqual(told.commands, ['PWD - → 257 "/"', 'STOR x → 552 Quota exceeded.\n 552 is what you get\nsorry *', 'SITE hidden → none - *', 'SYST - → 215 UNIX'])
  t.deepEqual(told.events, ['answered act ftp.command STOR', 'plugin-dropped act ftp.command SITE'])
  t.like([...recording.ftpTransfers()][0], { outcome: 'refused', code: 552, changed: true })
})

test('a reply is changed, replaced and dropped, a preliminary one and the greeting too', async (t) => {
  const seen: string[] = []
  const { client, server, asks, over } = await pairWith(t, plugin('act', {
    reply: (message) => {
      const { code, text, preliminary, command } = message
      seen.push(`${code} ${text}${preliminary ? ' …' : ''} for ${command === null ? 'nobody' : `${command.verb} ${command.argument}`}`)
      if (command?.verb === 'SYST') message.text = 'one\ntwo\nthree'
      if (command?.verb === 'FEAT') message.code = 212
      if (command?.verb === 'PWD') return reply(550, 'no')
      return preliminary ? drop() : undefined
    },
  }))
  await asks('SYST')
  server.write('215 UN')
  await sleep(20)
  server.write('IX\r\n')
  t.is(await client.through('215 three\r\n'), '215-one\r\ntwo\r\n215 three\r\n')
  await asks('FEAT')
  server.write('211-Features:\r\n MDTM\r\n211 End\r\n')
  t.is(await client.through('212 End\r\n'), '212-Features:\r\n MDTM\r\n212 End\r\n')
  await asks('PWD')
  server.write('257 "/"\r\n')
  t.is(await client.through('\r\n'), '550 no\r\n')
  await asks('SITE long')
  server.write('150 wait\r\n200 \xe4 as it came\r\n')
  t.is(await client.through('\r\n'), '200 \xe4 as it came\r\n')
  t.deepEqual(seen, ['220 ready for nobody', '215 UNIX for SYST null', '211 Features:\n MDTM\nEnd for FEAT null', '257 "/" for PWD null', '150 wait … for SITE long', '200 ä as it came for SITE long'])
  const told = toldOf(await over())
  t.deepEqual(told.commands, ['SYST - → 215 UNIX *', 'FEAT - → 211 Features:\n MDTM\nEnd *', 'PWD - → 257 "/" *', 'SITE long → 200 ä as it came *'], 'as the server said it')
  t.deepEqual(told.events, ['changed act ftp.reply SYST', 'changed act ftp.reply FEAT', 'answered act ftp.reply PWD', 'plugin-dropped act ftp.reply SITE'])
})

test('plugins are asked in their order, and the later one sees what the earlier one left', async (t) => {
  const seen: string[] = []
  const look = (name: string): AnyPlugin => plugin(name, {
    command: async (command) => {
      await sleep(1)
      seen.push(`${name} ${command.argument} ${command.changedBy.join()}`)
      command.argument += name
    },
    reply: ({ text, command }) => {
      if (command !== null) seen.push(`${name} ${text} ${command.argument}`)
    },
  })
  const { client, server, over } = await pairWith(t, look('a'), look('b'))
  client.write('CWD x\r\n')
  t.is(await server.through('\r\n'), 'CWD xab\r\n')
  server.write('250 ok\r\n')
  await client.through('250 ok\r\n')
  await over()
  t.deepEqual(seen, ['a x ', 'b xa a', 'a ok xab', 'b ok xab'])
})

test('a hook that throws, hangs or writes a line end into an argument: the message goes on as it came', async (t) => {
  const { asks, answers, over } = await pairWith(t,
    plugin('throws', { command: (command) => {
      command.argument = 'changed'
      throw new Error('no')
    }, reply: () => { throw new Error('no') } }),
    plugin('hangs', { command: () => new Promise(() => {}) }, { timeout: 20 }),
    plugin('injects', { command: (command) => { command.argument = 'x\r\nDELE y' } }))
  await asks('CWD \xe4\tb')
  await answers('250 ok')
  const told = toldOf(await over())
  t.deepEqual(told.sent, [])
  t.deepEqual(told.events, [
    'plugin-failed throws ftp.reply -', 'plugin-failed throws ftp.command CWD', 'plugin-failed hangs ftp.command CWD', 'plugin-failed injects ftp.command CWD', 'plugin-failed throws ftp.reply CWD',
  ])
})

test('delay, close and reset on the control connection', async (t) => {
  const act = plugin('act', {
    command: ({ verb }) => verb === 'PWD' ? delay(80) : verb === 'QUIT' ? close() : verb === 'REIN' ? reset() : undefined,
    reply: ({ text }) => text === 'cut me' ? reset() : undefined,
  })
  const closed = await pairWith(t, act)
  const began = Date.now()
  await closed.asks('PWD')
  t.true(Date.now() - began >= 79)
  await closed.answers('257 "/"')
  closed.client.write('SYST\r\nQUIT\r\nNOOP\r\n')
  t.is((await closed.server.rest()).toString(), 'SYST\r\n')
  t.is((await closed.client.rest()).toString(), '')
  t.deepEqual(toldOf(await closed.over()).events, ['delayed act ftp.command PWD', 'plugin-closed act ftp.command QUIT'])
  const torn = await pairWith(t, act)
  torn.client.write('REIN\r\n')
  t.deepEqual([await torn.client.over(), await torn.server.over()], ['ECONNRESET', 'ECONNRESET'])
  const late = await pairWith(t, act)
  await late.asks('SYST')
  late.server.write('215 cut me\r\n')
  t.is(await late.client.over(), 'ECONNRESET')
})

test('hundreds of pipelined commands and replies in one read, each changed after a while: all in order, all told', async (t) => {
  const { client, server, over } = await pairWith(t, plugin('counts', {
    command: async (command) => {
      if (Number(command.argument) % 50 === 0) await sleep(1)
      command.argument += '!'
    },
    reply: async (message) => {
      if (message.command === null) return
      if (message.code === 250) await sleep(0)
      message.text = `for ${message.command.argument}`
    },
  }))
  const numbers = Array.from({ length: 300 }, (_, n) => n)
  client.write(numbers.map((n) => `CWD ${n}\r\n`).join(''))
  const asked = numbers.map((n) => `CWD ${n}!\r\n`).join('')
  t.is((await server.take(asked.length)).toString(), asked)
  server.write('250 ok\r\n'.repeat(300))
  const answered = numbers.map((n) => `250 for ${n}!\r\n`).join('')
  t.is((await client.take(answered.length)).toString(), answered)
  t.deepEqual(toldOf(await over()).commands, numbers.map((n) => `CWD ${n} → 250 ok *`))
})

test('an upload that a plugin refuses: ftplib is told so, and the session goes on', async (t) => {
  const server = await pyftpdlib.start(t)
  const { tape, place } = await relayed(t, server, plugin('quota', { command: ({ verb }) => verb === 'STOR' ? reply(552, 'Quota exceeded.') : undefined }))
  await t.throwsAsync(ftplibClient.upload(t, place, 'file', Buffer.from('text')), { message: /552 Quota exceeded/ })
  t.deepEqual(await ftplibClient.list(t, place), [])
  const recording = await tape.recorded()
  t.like([...recording.ftpTransfers({ where: `verb = 'STOR'` })][0], { outcome: 'refused', code: 552, text: 'Quota exceeded.' })
  t.like([...recording.ftpCommands({ where: 'changed' })], { 0: { verb: 'STOR', code: 552 }, length: 1 })
})

test('PORT as a plugin leaves it: a foreign address is refused', async (t) => {
  const { client, server, over } = await pairWith(t, plugin('bounce', {
    command: (command) => {
      if (command.verb === 'PORT') command.argument = sixNumbers(4000, '10.9.8.7')
      if (command.verb === 'SITE') {
        command.verb = 'EPRT'
        command.argument = '|1|10.9.8.7|4000|'
      }
    },
  }))
  client.write(`PORT ${sixNumbers(4000)}\r\nSITE x\r\n`)
  t.is(await server.through('NOOP\r\nNOOP\r\n'), 'NOOP\r\nNOOP\r\n')
  server.write('200 ok\r\n200 ok\r\n')
  t.is(await client.through('EPRT is for your own address.\r\n'), '500 PORT is for your own address.\r\n500 EPRT is for your own address.\r\n')
  const recording = await over()
  t.is([...recording.events({ where: `kind = 'ftp-bounce-refused'` })].length, 2)
  t.is([...recording.ftpCommands()][0]?.code, 500)
})

test('with hooks that do nothing, everything passes byte for byte', async (t) => {
  const { client, server, over } = await pairWith(t, plugin('looks', { command: () => {}, reply: async () => { await sleep(1) } }))
  const up = 'feat\r\nCWD  \xff\xff\xe4 \r\n\r\nSITE a\tb\nNOOP \r\n'
  const down = '211-x\r\n 211 y\r\n211 z\r\n250\r\n500 what\r\n200-\r\n200 \xe4\n200 ok\r\n'
  client.write(up)
  t.is((await server.take(up.length)).toString('latin1'), up)
  server.write(...down.match(/[^]{1,7}/g)!)
  t.is((await client.take(down.length)).toString('latin1'), down)
  t.deepEqual(toldOf(await over()).sent, [])
})

async function relayed(t: ExecutionContext, server: FtpServer, ...plugins: AnyPlugin[]): Promise<{ tape: Taped, place: Place }> {
  const tape = await taping(t, { ftp: `0=${server.host}:${server.port}`, plugins, seed: 1 })
  return { tape, place: { host: '127.0.0.1', port: tape.port, user: server.user, password: server.password, form: 'PASV' } }
}

const upperCase = plugin('upper', {
  data: ({ verb }) => verb !== 'STOR' ? undefined : async function* (chunks) {
    for await (const chunk of chunks) yield chunk.toString().toUpperCase()
  },
})

for (const client of [ftplibClient, curlClient, lftpClient].filter(({ available }) => available)) {
  test(`${client.name} uploads what ftp.data changes: the server's file has it, and both versions are recorded`, async (t) => {
    const server = await pyftpdlib.start(t)
    const ends: FtpTransferEnd[] = []
    const { tape, place } = await relayed(t, server, upperCase, plugin('ends', { transferEnd: (end) => { ends.push(end) } }))
    await client.upload(t, place, 'file', Buffer.from('some text'))
    t.is(readFileSync(join(server.folder, 'file'), 'utf8'), 'SOME TEXT')
    await until(() => ends.some(({ transfer }) => transfer.verb === 'STOR'), 'the transfer\'s end')
    t.like(ends.find(({ transfer }) => transfer.verb === 'STOR'), { bytes: 9, error: null, transfer: { verb: 'STOR', direction: 'up', mode: 'passive', form: 'PASV' } })
    const recording = await tape.recorded()
    const [transfer] = [...recording.ftpTransfers({ where: `verb = 'STOR'` })]
    t.like(transfer, { changed: true, outcome: 'completed', bytes: 9 })
    t.is((await bytesOf(recording.transferBody(transfer!.id))).toString(), 'some text')
    t.deepEqual([...recording.segments({ where: `leg = 'sent' and kind = 'body'` })].map(({ replaces, bytes }) => `${replaces} ${bytes.toString()}`), ['9 SOME TEXT'])
    t.true([...recording.events({ where: `kind = 'changed'` })].some(({ source, hook }) => source === 'upper' && hook === 'ftp.data'))
  })
}

for (const server of [vsftpd, pyftpdlib].filter(({ available }) => available)) {
  test(`${server.name}: transfers in every form, each with its command, downloads cut by ftp.data`, async (t) => {
    const serving = await server.start(t)
    writeFileSync(join(serving.folder, 'file'), 'x'.repeat(100_000))
    const seen: string[] = []
    const { place } = await relayed(t, serving, plugin('cuts', {
      transfer: async ({ verb, argument, direction, mode, form }) => {
        await sleep(5)
        if (verb === 'RETR') seen.push(`${argument} ${direction} ${mode} ${form}`)
        return delay(5)
      },
      data: ({ verb }) => verb !== 'RETR' ? undefined : async function* (chunks) {
        let left = 1000
        for await (const chunk of chunks) {
          yield chunk.subarray(0, left)
          left -= chunk.length
          if (left <= 0) left = 0
        }
      },
    }))
    t.is((await ftplibClient.download(t, place, 'file')).length, 1000)
    t.is((await ftplibClient.download(t, { ...place, form: 'PORT' }, 'file')).length, 1000)
    t.deepEqual(seen, ['file down passive PASV', 'file down active PORT'])
    t.is((await lftpClient.list(t, place)).join(), 'file')
  })
}

test('a transfer that a plugin resets or closes: the client sees it, and its session goes on', async (t) => {
  const server = await pyftpdlib.start(t)
  writeFileSync(join(server.folder, 'file'), 'some text')
  const ends: FtpTransferEnd[] = []
  const { tape, place } = await relayed(t, server, plugin('tears', {
    transfer: ({ verb, argument }) => verb !== 'RETR' ? undefined : argument === 'file' ? reset() : close(),
    transferEnd: (end) => { ends.push(end) },
  }))
  await t.throwsAsync(curlClient.download(t, place, 'file'), { message: /curl ended with/ })
  t.is((await curlClient.list(t, place)).join(), 'file')
  await until(() => ends.length === 2, 'both ends')
  t.like(ends.find(({ transfer }) => transfer.verb === 'RETR'), { bytes: 0, error: 'reset by a plugin' })
  const recording = await tape.recorded()
  t.is([...recording.events({ where: `kind = 'plugin-reset'` })].length, 1)
  const retrieved = [...recording.ftpCommands({ where: `verb = 'RETR'` })][0]
  t.is([...recording.events({ where: `kind = 'plugin-reset'` })][0]?.messageId, retrieved?.id)
})

test('a data connection whose command doesn\'t come is carried without one', async (t) => {
  const verbs: string[] = []
  const { passive, data, over } = await pairWith(t, plugin('looks', { transfer: ({ verb }) => { verbs.push(verb) } }))
  const early = await connectTo(t, await passive())
  const dialled = await data.next()
  dialled.write('early')
  t.is((await early.take(5)).toString(), 'early')
  t.deepEqual(verbs, [''])
  early.finish()
  dialled.finish()
  await over()
})
