import test from 'ava'
import type { ExecutionContext } from 'ava'
import { definePlugin, drop, reply } from 'wiretape'
import type { AnyPlugin, FtpHooks } from 'wiretape'
import { controlPair } from '../ftp/control-pair.js'
import type { ControlPair } from '../ftp/control-pair.js'
import { onlyTransfer } from '../ftp/sound.js'
import { connectTo } from '../real/peer.js'
import { wiretape } from './wiretape.js'

const plugin = (ftp: FtpHooks): AnyPlugin => definePlugin({ name: 'act', description: 'Changes.', setup: () => ({ ftp }) })

async function out(t: ExecutionContext, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await wiretape(t, ...words)
  t.is(code, 0, stderr)
  return stdout.toString()
}

/** One download over a passive data connection. @param asked what the server is to get. @param over the reply that the client is to get. */
async function downloads(t: ExecutionContext, { client, server, data, ...pair }: ControlPair, asked: string, over: string, content = 'some text\n'): Promise<string> {
  const receiving = await connectTo(t, await pair.passive())
  client.write('RETR old\r\n')
  t.is(await server.through('\r\n'), `${asked}\r\n`)
  await pair.answers('150 Opening')
  const sending = await data.next()
  sending.write(content).finish()
  const got = (await receiving.rest()).toString()
  receiving.finish()
  server.write('226 Complete\r\n')
  t.is(await client.through('\r\n'), `${over}\r\n`)
  return got
}

test('a transfer that a plugin renamed and whose content it changed: show has both versions of all, and its path is the server\'s', async (t) => {
  const pair = await controlPair(t, { plugins: [plugin({
    command: (command) => { if (command.verb === 'RETR') command.argument = 'sub/new' },
    reply: (message) => { if (message.code === 226) message.text = 'as you like' },
    data: () => async function* (chunks) {
      for await (const chunk of chunks) yield chunk.toString().toUpperCase()
    },
  })] })
  await pair.asks('CWD /there')
  await pair.answers('250 ok')
  t.is(await downloads(t, pair, 'RETR sub/new', '226 as you like'), 'SOME TEXT\n')
  const recording = await pair.over()
  const transfer = onlyTransfer(recording)
  t.like(transfer, { path: '/there/sub/new', code: 226, text: 'Complete', changed: true, outcome: 'completed' })
  const [command] = [...recording.ftpCommands({ where: `id = ${transfer.commandId}` })]
  t.like(command, { verb: 'RETR', argument: 'old', path: '/there/sub/new', code: 226, text: 'Complete', changed: true })
  const { path } = pair.tape
  const [id, commandId] = [String(transfer.id), String(transfer.commandId)]
  const shown = await out(t, 'show', path, id)
  t.regex(shown, /\nRETR ↓ \/there\/sub\/new → 226 Complete\nthe server got RETR sub\/new\n/)
  t.regex(shown, /\nsome text\n\nsent on instead, 10 B:\nSOME TEXT\n/)
  t.regex(shown, /act changed: ftp\.data: /)
  t.is(await out(t, 'show', path, id, '--body', 'response'), 'some text\n')
  for (const words of [['--body', 'response'], ['--raw']]) t.is(await out(t, 'show', path, id, '--sent', ...words), 'SOME TEXT\n')
  t.regex(await out(t, 'show', path, commandId), new RegExp([
    '→ RETR old', '→ RETR sub/new  what the server got instead', '← 150 Opening  after .*', '← 226 Complete  after .*', '← 226 as you like  what the client got instead', '',
    '.* act changed: ftp.command: .*', '.* act changed: ftp.reply: .*',
  ].join('\n')))
  t.is(await out(t, 'show', path, commandId, '--raw'), 'RETR old\r\n150 Opening\r\n226 Complete\r\n')
  t.is(await out(t, 'show', path, commandId, '--raw', '--sent'), 'RETR sub/new\r\n150 Opening\r\n226 as you like\r\n')
  t.regex(await out(t, 'show', path, String(transfer.sessionId), '--raw', '--sent'), /RETR sub\/new\r\n[^]*226 as you like\r\n/)
  const picture = await out(t, 'ftp', path)
  t.regex(picture, /· 1 changed/)
  t.regex(picture, /← 226 (?:to RETR )?as you like/)
  t.regex(picture, /└ 10 B changed /)
})

test('a command that never reached the server, and a reply that the client never got', async (t) => {
  const pair = await controlPair(t, { plugins: [plugin({
    command: ({ verb }) => verb === 'CWD' ? reply(550, 'not there') : verb === 'SITE' ? drop() : undefined,
    reply: ({ command, code }) => command?.verb === 'NOOP' && code === 200 ? drop() : undefined,
  })] })
  for (const line of ['CWD /there', 'SITE x', 'NOOP']) {
    pair.client.write(`${line}\r\n`)
    await pair.server.through('NOOP\r\n')
    pair.server.write('200 fine\r\n')
  }
  t.is(await pair.client.through('\r\n'), '550 not there\r\n')
  await pair.asks('DELE x')
  await pair.answers('250 gone')
  const recording = await pair.over()
  const commands = [...recording.ftpCommands()]
  t.deepEqual(commands.map(({ verb, code, changed, error }) => [verb, code, changed, error]), [
    ['CWD', 550, true, null], ['SITE', null, true, 'no reply: dropped by a plugin'], ['NOOP', 200, true, 'the client got no reply: dropped by a plugin'], ['DELE', 250, false, null],
  ])
  // The server was never asked to go there.
  t.is(commands[3]!.path, null)
  const { path } = pair.tape
  const shown = await Promise.all(commands.map(({ id }) => out(t, 'show', path, String(id))))
  t.regex(shown[0]!, /→ CWD \/there\n→ NOOP {2}what the server got instead\n← 200 fine .*\n← 550 not there {2}what the client got instead\n/)
  t.regex(shown[1]!, /→ SITE x\n→ NOOP {2}what the server got instead\n← 200 fine .*\n← \[nothing\] {2}what the client got instead\n/)
  t.regex(shown[2]!, /→ NOOP\n← 200 fine .*\n← \[nothing\] {2}what the client got instead\n/)
  t.regex(shown[3]!, /→ DELE x\n← 250 gone {2}after [^\n]*\n$/)
  t.regex(await out(t, 'ftp', path), /→ CWD \/there[^]*← 550 (?:to CWD )?not there[^]*· SITE: no reply: dropped by a plugin[^]*· NOOP: the client got no reply:\s+dropped by a plugin/)
})

for (const [fault, told] of [['ftp-late-error', '426 Connection closed; transfer aborted.'], ['ftp-refuse:verb=RETR', null]] as const) {
  test(`command, replies and transfer tell one story of a final reply that a plugin gave: ${fault}`, async (t) => {
    const pair = await controlPair(t, { plugins: [fault] })
    if (told === null) {
      pair.client.write('RETR old\r\n')
      await pair.server.through('NOOP\r\n')
      pair.server.write('200 fine\r\n')
      t.is(await pair.client.through('\r\n'), '550 Refused.\r\n')
    } else {
      await downloads(t, pair, 'RETR old', told)
    }
    const recording = await pair.over()
    const transfer = onlyTransfer(recording)
    const [command] = [...recording.ftpCommands({ where: `id = ${transfer.commandId}` })]
    if (told === null) {
      // The server never got it: the answer is the plugin's.
      t.like(command, { code: 550, changed: true })
      t.like(transfer, { code: 550, outcome: 'refused', changed: true })
    } else {
      t.like(command, { code: 226, changed: true })
      t.like(transfer, { code: 226, outcome: 'completed' })
      t.deepEqual([...recording.ftpReplies({ where: `command_id = ${command!.id}` })].map(({ code }) => code), [150, 226])
    }
    t.regex(await out(t, 'show', pair.tape.path, String(command!.id)), new RegExp(`← ${told ?? '550 Refused.'}  what the client got instead\n`))
    t.regex(await out(t, 'ftp', pair.tape.path), told === null ? /← 550 (?:to RETR )?Refused/ : /← 426 (?:to RETR )?Connection/)
  })
}

test('a transfer that was cut by a close tells what went on', async (t) => {
  const pair = await controlPair(t, { plugins: ['ftp-cut:after=4'] })
  t.is(await downloads(t, pair, 'RETR old', '226 Complete'), 'some')
  const transfer = onlyTransfer(await pair.over())
  const shown = await out(t, 'show', pair.tape.path, String(transfer.id))
  t.regex(shown, /· aborted · changed\nclosed by a plugin\n/)
  t.regex(shown, /\n10 bytes came, 4 were sent on\n/)
  t.regex(shown, /\[of it only the first 4 B were sent on: wiretape show \d+ --body response --sent\]/)
  t.is(await out(t, 'show', pair.tape.path, String(transfer.id), '--body', 'response', '--sent'), 'some')
  t.regex(await out(t, 'ftp', pair.tape.path), /└ aborted after 10 B \(4 B\s+sent\s+on\)/)
  t.regex(await out(t, 'ls', pair.tape.path, '--where', 'changed'), /changed aborted/)
})
