import test from 'ava'
import { FtpDecoder } from '../../../src/protocols/ftp/index.js'
import { down, downEnds, GREETING, play, playGreeted, playTo, spansOf, up, upEnds } from './harness.js'

const command = (bytes: string) => playGreeted(up(bytes)).join('\n')
const reply = (bytes: string) => playGreeted(up('NOOP\r\n'), down(bytes)).slice(1).join('\n')

test('replies of one line', t => {
  t.is(reply('200 ok\r\n'), 'reply 0: 200 {ok}')
  t.is(reply('200 \r\n'), 'reply 0: 200 {}')
  t.is(reply('200\r\n'), 'reply 0: 200 {} [bare-code]')
  t.is(reply('200 ok\n'), 'reply 0: 200 {ok} [bare-lf]')
  t.is(reply('200\n'), 'reply 0: 200 {} [bare-lf, bare-code]')
  t.is(reply('200 ok\r\r\n'), 'reply 0: 200 {ok} [bare-cr]')
  t.is(reply('200 a\rb\0c\x1bd\r\n'), 'reply 0: 200 {a\rb\0c\x1bd} [bare-cr, nul, control-character]')
  t.is(reply('200   two spaces more\r\n'), 'reply 0: 200 {  two spaces more}')
  t.is(reply('599 a\r\n'), 'reply 0: 599 {a}')
  t.is(reply('100 a\r\n'), 'reply 0: 100 {a}')
})

test('replies of more lines end with the same code and a space, or that code alone', t => {
  t.is(reply('211-Features:\r\n MDTM\r\n SIZE\r\n211 End\r\n'), 'reply 0: 211 {Features:| MDTM| SIZE|End}')
  t.is(reply('211-a\r\n212 b\r\n 211 c\r\n211-d\r\n2111 e\r\n211\te\r\n\r\n211 f\r\n'), 'reply 0: 211 {a|212 b| 211 c|211-d|2111 e|211\te||f}')
  t.is(reply('211-a\r\n211\r\n'), 'reply 0: 211 {a|} [bare-code]')
  t.is(reply('211-\r\n211 \r\n'), 'reply 0: 211 {|}')
  t.is(reply('211-a\n b\n211 c\n'), 'reply 0: 211 {a| b|c} [bare-lf]')
  t.is(reply('211-a\r\n211-b\r\n'), '')
  t.deepEqual(spansOf('down', GREETING, up('STAT\r\n'), down('211-a\r\n22')), ['0-11 reply #-1', '11-20 reply #0'])
})

test('text is read as UTF-8 where it is that, line by line', t => {
  t.is(reply('257-"/\xc3\xa9"\r\n \xe9\r\n257 \xc3\r\n'), 'reply 0: 257 {"/é"| é|Ã}')
  t.is(command('CWD \xc3\xa9\r\n'), 'command 0: CWD {é}')
  t.is(command('CWD \xe9\r\n'), 'command 0: CWD {é}')
})

test('lines that are no replies, between replies', t => {
  const rest = '; one begins with three digits, then a space, a hyphen or nothing'
  const stray = (bytes: string) => reply(`${bytes}200 ok\r\n`)
  t.is(stray('hello\r\n'), `down odd at 11: line that is no reply: "hello"${rest}\nreply 0: 200 {ok}`)
  t.is(stray('\r\n'), `down odd at 11: line that is no reply: ""${rest}\nreply 0: 200 {ok}`)
  t.is(stray('2000 a\n'), `down odd at 11: line that is no reply: "2000 a"${rest}\nreply 0: 200 {ok}`)
  t.is(stray('200a\n'), `down odd at 11: line that is no reply: "200a"${rest}\nreply 0: 200 {ok}`)
  t.is(stray(' 200 a\n'), `down odd at 11: line that is no reply: " 200 a"${rest}\nreply 0: 200 {ok}`)
  t.is(stray('a\0b\n'), 'down odd at 11: binary line, so this is no reply: "a\\x00b"\nreply 0: 200 {ok}')
  for (const code of ['099', '000', '600', '999-']) {
    t.is(stray(`${code} a\n`), `down odd at 11: code out of range, so this is no reply: "${code} a"; codes go from 100 to 599\nreply 0: 200 {ok}`)
  }
  t.deepEqual(spansOf('down', GREETING, up('NOOP\r\n'), down('600 a\r\n60')), ['0-18 reply #-1', '18-20 reply #0'])
  t.deepEqual(spansOf('down', GREETING, up('NOOP\r\n'), down('600')), ['0-14 reply #-1'])
})

test('commands and their arguments', t => {
  t.is(command('pasv\r\n'), 'command 0: PASV')
  t.is(command('LIST \r\n'), 'command 0: LIST {}')
  t.is(command('RETR  two spaces \r\n'), 'command 0: RETR { two spaces }')
  t.is(command('NOOP\n'), 'command 0: NOOP [bare-lf]')
  t.is(command('\r\n'), 'command 0:  [empty]')
  t.is(command(' \r\n'), 'command 0:  [leading-space, empty]')
  t.is(command('  PWD\r\n'), 'command 0: PWD [leading-space]')
  t.is(command('RETR a\rb\r\n'), 'command 0: RETR {a\rb} [bare-cr]')
  t.is(command('RETR a\r\0b\x01\r\n'), 'command 0: RETR {a\r\0b\x01} [bare-cr, nul, control-character]')
  t.is(command('st\xe4t a\r\n'), 'command 0: STäT {a} [odd-verb]')
  t.is(command('\xdf\r\n'), 'command 0: ß [odd-verb]')
  t.is(command('TYPE\tI\r\n'), 'command 0: TYPE\tI [odd-verb]')
  t.is(command('SITE CHMOD 644 a\r\n'), 'command 0: SITE {CHMOD 644 a}')
  t.is(command('\r\r\n'), 'command 0: \r [bare-cr, odd-verb]')
})

test('ABOR as clients send it: IAC IP IAC DM, or without the byte that went as urgent data', t => {
  for (const before of ['\xff\xf4\xff\xf2', '\xff\xf4\xff', '\xff\xf4\xf2', '\xff\xf4', '\xff\xf2', '\xff']) {
    t.is(command(`${before}ABOR\r\n`), 'command 0: ABOR [telnet]', Buffer.from(before, 'latin1').toString('hex'))
  }
  t.deepEqual(spansOf('up', GREETING, up('NOOP\r\n\xff\xf4'), up('\xff\xf2ABOR\r\n')), ['0-6 command #0', '6-16 command #1'])
})

test('telnet sequences are taken out wherever they stand, and a doubled IAC is one', t => {
  t.is(command('\xff\xfb\x01PA\xff\xfd\x18SV\xff\xf1\r\n'), 'command 0: PASV [telnet]')
  t.is(command('RETR a\xff\xffb\r\n'), 'command 0: RETR {aÿb} [telnet]')
  t.is(command('RETR a\xff\xff\xff\xf1b\xff\xff\r\n'), 'command 0: RETR {aÿbÿ} [telnet]')
  t.is(command('RETR \xff\xfa\x18\x01\xff\xff\xf0\xff\xf0a\r\n'), 'command 0: RETR {a} [telnet]')
  t.is(command('RETR a\xff\xfa\x18\r\n'), 'command 0: RETR {a} [telnet]')
  t.is(command('RETR a\xff\xfb\r\n'), 'command 0: RETR {a} [telnet]')
  t.is(command('RETR a\xff.txt\r\n'), 'command 0: RETR {aÿ.txt} [telnet]')
  t.is(command('RETR a\xff\r\n'), 'command 0: RETR {aÿ} [telnet]')
  t.is(command('RETR \xff\xf4\xf0\x9f\x98\x80\r\n'), 'command 0: RETR {😀} [telnet]')
  t.is(reply('\xff\xfe\x01200 ok\xff\xff\r\n'), 'reply 0: 200 {okÿ} [telnet]')
})

test('a line that is cut says what had come, and quotes no command', t => {
  t.deepEqual(playGreeted(up('PASS secret'), upEnds()), [
    'up odd at 0: command without its line end (CRLF), which no server acts on: 11 bytes had come when the connection ended',
  ])
  t.deepEqual(playGreeted(down('421 time'), downEnds('cut')), [
    'down odd at 11: reply without its line end (CRLF): "421 time" had come when the connection was cut',
  ])
  t.deepEqual(playGreeted(down('211-a\r\n'), downEnds()), [
    'down odd at 11: reply 211 without its last line, one that begins with "211 ": 1 line had come when the connection ended',
  ])
  t.deepEqual(playGreeted(down('211-a\r\n b\r\n21'), downEnds()), [
    'down odd at 11: reply 211 without its last line, one that begins with "211 ": 2 lines and 2 bytes had come when the connection ended',
  ])
  t.deepEqual(playGreeted(up('NO'), upEnds(), upEnds('cut'), downEnds()).length, 1)
})

test('bytes after the end of a direction are opaque', t => {
  t.deepEqual(spansOf('up', GREETING, up('NOOP\r\nPA'), upEnds(), up('SV\r\n')), ['0-6 command #0', '6-8 command #1', '8-12 opaque #-1'])
})

test('a line beyond the limit: from its start on, that direction is opaque', t => {
  const limited = (...steps: Parameters<typeof playTo>[1]) => playTo(new FtpDecoder({ lineLimit: 64 }), [GREETING, ...steps]).events.slice(1)
  const line = (length: number) => `${'A'.repeat(length - 2)}\r\n`
  t.deepEqual(limited(up(`NOOP\r\n${line(64)}`)).length, 2)
  const reason = 'command line longer than 64 bytes'
  t.deepEqual(limited(up(`NOOP\r\n${line(65)}NOOP\r\n`)), ['command 0: NOOP', `up opaque 1 from 6: ${reason}`])
  t.deepEqual(limited(up('A'.repeat(63))), [])
  t.deepEqual(limited(up('A'.repeat(64))), [`up opaque 0 from 0: ${reason}`])
  t.deepEqual(limited(up(line(65)), down('500 too long\r\n200 later\r\n')), [
    `up opaque 0 from 0: ${reason}`, 'reply 0: 500 {too long}', 'reply -1: 200 {later} [unsolicited]',
  ])
  t.deepEqual(limited(up('NOOP\r\n'), down(`200 ${'a'.repeat(60)}`)).at(-1), 'down opaque 0 from 11: reply line longer than 64 bytes')
  t.deepEqual(limited(up('NOOP\r\n'), down(`200-a\r\n${line(65)}200 b\r\n`), up('PWD\r\n')), [
    'command 0: NOOP', 'down opaque 0 from 18: line 2 of a 200 reply longer than 64 bytes', 'command 1: PWD',
  ])
  const standard = playTo(new FtpDecoder(), [GREETING, up(`${line(65_536)}${line(65_537)}`)]).events.slice(2)
  t.deepEqual(standard, ['up opaque 1 from 65536: command line longer than 65536 bytes'])
})

test('a reply beyond its limit: from its start on, that direction is opaque', t => {
  const decoder = new FtpDecoder({ replyLimit: 100 })
  const { events } = playTo(decoder, [GREETING, up('STAT\r\n'), down(`211-a\r\n${`${'b'.repeat(45)}\r\n`.repeat(2)}211 c\r\n`)])
  t.deepEqual(events.slice(2), ['down opaque 0 from 11: reply 211 longer than 100 bytes'])
  t.is(decoder.bufferedBytes, 0)
  t.regex(reply(`211-a\r\n${` ${'b'.repeat(60_000)}\r\n`.repeat(20)}211 c\r\n`), /^reply 0: 211 /)
})

test('commands aren\'t remembered without end', t => {
  const { events } = playTo(new FtpDecoder(), [GREETING, up('A\n'.repeat(65_537))])
  t.is(events.length, 1 + 65_536 + 1)
  t.is(events.at(-1), 'up opaque -1 from 131072: more than 65536 commands without an answer')
})

test('after the replies have become unreadable, commands aren\'t kept for them', t => {
  for (const last of [down('a'.repeat(65_536)), downEnds()]) {
    const decoder = new FtpDecoder()
    playTo(decoder, [GREETING, up('NOOP\r\n'), last, up('NOOP\r\n'.repeat(10))])
    t.deepEqual(decoder.outstanding, [0])
  }
})

test('the options are checked', t => {
  t.throws(() => new FtpDecoder({ lineLimit: 63 }), { instanceOf: RangeError, message: /lineLimit.*64.*63/ })
  t.throws(() => new FtpDecoder({ replyLimit: 100.5 }), { instanceOf: RangeError, message: /replyLimit/ })
  t.notThrows(() => new FtpDecoder({ lineLimit: 64, replyLimit: 64 }))
  t.deepEqual(play(GREETING), ['reply -1: 220 {ready}'])
})
