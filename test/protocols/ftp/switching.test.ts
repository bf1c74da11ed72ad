import test from 'ava'
import { FtpDecoder } from '../../../src/protocols/ftp/index.js'
import { byteByByte, down, GREETING, play, playGreeted, playTo, spansOf, up } from './harness.js'

test('AUTH answered with 234: both directions are TLS from there on', t => {
  const steps = [GREETING, up('AUTH TLS\r\n'), down('234 go\r\n\x16\x03'), up('\x16\x03\x01\n'), down('\n')]
  t.deepEqual(play(...steps).slice(1), [
    'command 0: AUTH {TLS}', 'reply 0: 234 {go}', 'down opaque 0 from 19', 'up opaque 0 from 10',
  ])
  t.deepEqual(spansOf('up', ...steps), ['0-10 command #0', '10-14 opaque #0'])
  t.deepEqual(spansOf('down', ...steps), ['0-11 reply #-1', '11-19 reply #0', '19-22 opaque #0'])
})

test('what came up before the 234: complete commands stay, a begun line is part of what follows', t => {
  const steps = [GREETING, up('AUTH TLS\r\nNOOP\r\n\x16\x03'), down('234 go\r\n'), up('\x01\n')]
  t.deepEqual(play(...steps).slice(2), ['command 1: NOOP', 'reply 0: 234 {go}', 'down opaque 0 from 19', 'up opaque 0 from 16'])
  t.deepEqual(spansOf('up', ...steps), ['0-10 command #0', '10-16 command #1', '16-20 opaque #0'])
})

test('AUTH refused, and 234 to something else: the commands go on in the clear', t => {
  t.deepEqual(playGreeted(up('AUTH TLS\r\n'), down('534 no\r\n'), up('USER a\r\n')), [
    'command 0: AUTH {TLS}', 'reply 0: 534 {no}', 'command 1: USER {a}',
  ])
  t.deepEqual(playGreeted(up('NOOP\r\n'), down('234 what\r\n'), up('USER a\r\n')).at(-1), 'command 1: USER {a}')
})

/** Plays a server's first bytes, which have to be named the same way when they come one by one. */
function greeting(bytes: string): string[] {
  const { events } = playTo(new FtpDecoder(), [down(bytes)], byteByByte)
  return JSON.stringify(play(down(bytes))) === JSON.stringify(events) ? events : ['it depends on the cut']
}

test('a server that isn\'t FTP is named, and neither direction is read on', t => {
  const both = (reason: string) => [`down opaque -1 from 0: ${reason}`, `up opaque -1 from 0: ${reason}`]
  const tls = 'this looks like TLS, not FTP: the server expects TLS from the first byte (implicit FTPS, port 990), or says it failed'
  t.deepEqual(greeting('\x15\x03\x01\x00\x02\x02\x0a'), both(tls))
  t.deepEqual(greeting('\x16\x03'), both(tls))
  t.deepEqual(greeting('HTTP/1.1 400 Bad Request\r\n'), both('the greeting looks like HTTP, not FTP'))
  t.deepEqual(greeting('SSH-2.0-OpenSSH_9.6\r\n'), both('the greeting looks like SSH, not FTP'))
  t.deepEqual(greeting('+OK POP3 ready\r\n'), both('the greeting looks like POP3, not FTP'))
  t.deepEqual(greeting('* OK IMAP ready\r\n'), both('the greeting looks like IMAP, not FTP'))
  t.deepEqual(greeting('RFB 003.008\n'), both('the greeting looks like VNC, not FTP'))
  t.deepEqual(greeting('\x01\x02\x03'), both('the greeting is binary: this is no FTP server'))
  t.deepEqual(greeting('\xe9\n'), both('the greeting is binary: this is no FTP server'))
  t.deepEqual(spansOf('up', up('US'), down('HTTP/1.1 400 Bad Request\r\n'), up('ER\r\n')), ['0-6 opaque #-1'])
  t.deepEqual(play(up('NOOP\r\n'), down('HTTP/1.1 400 Bad Request\r\n'), up('NOOP\r\n')), [
    'command 0: NOOP',
    'down opaque -1 from 0: the greeting looks like HTTP, not FTP',
    'up opaque -1 from 6: the greeting looks like HTTP, not FTP',
  ])
})

test('SMTP greets with 220 too and can\'t be told', t => {
  t.deepEqual(greeting('220 mail ESMTP\r\n'), ['reply -1: 220 {mail ESMTP}'])
})

test('a server may say a few other things before its greeting', t => {
  t.deepEqual(greeting('warning\r\n220 ready\r\n').map(event => event.slice(0, 38)), [
    'down odd at 0: line that is no reply: ', 'reply -1: 220 {ready}',
  ])
  const many = greeting('x\n'.repeat(40))
  t.is(many.length, 32 + 2)
  t.is(many[32], 'down opaque -1 from 64: no greeting in the first 32 lines: this is no FTP server')
  t.regex(many[33]!, /^up opaque -1 from 0: no greeting/)
  t.is(playGreeted(down('x\n'.repeat(40))).length, 40)
  t.is(playGreeted(down('HTTP/1.1 200 OK\n')).join('').slice(0, 8), 'down odd')
})

test('a client that isn\'t FTP is named; the server is read on, as it will say what it thinks of it', t => {
  const refused = play(up('\x16\x03\x01\x00'), GREETING, down('500 what?\r\n'))
  t.deepEqual(refused, [
    'up opaque -1 from 0: this looks like TLS from the first byte (implicit FTPS), not FTP in the clear',
    'reply -1: 220 {ready}', 'reply -1: 500 {what?} [unsolicited]',
  ])
  t.deepEqual(play(up('GET / HTTP/1.1\r\nHost: a\r\n\r\n')), ['up opaque -1 from 0: the client speaks HTTP, not FTP'])
  t.deepEqual(play(up('SSH-2.0-x')), ['up opaque -1 from 0: the client speaks SSH, not FTP'])
  t.deepEqual(play(up('NOOP\r\nGET / HTTP/1.1\r\n')).length, 2)
})

test('each opaque range is told once', t => {
  const decoder = new FtpDecoder()
  const { events } = playTo(decoder, [down('SSH-2.0-a\r\n'), up('SSH-2.0-b\r\n'), down('more'), up('more')])
  t.is(events.length, 2)
})
