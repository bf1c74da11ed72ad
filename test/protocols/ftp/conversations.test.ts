import test from 'ava'
import { FtpDecoder } from '../../../src/protocols/ftp/index.js'
import { down, GREETING, play, playGreeted, playTo, type Step, spansOf, up } from './harness.js'

test('a session, command by command', t => {
  t.deepEqual(play(
    down('220 ready\r\n'), up('USER anna\r\n'), down('331 password?\r\n'), up('PASS secret\r\n'), down('230 welcome\r\n'),
    up('PASV\r\n'), down('227 Entering Passive Mode (127,0,0,1,4,5)\r\n'),
    up('RETR a file\r\n'), down('150 opening\r\n'), down('226 done\r\n'), up('quit\r\n'), down('221 bye\r\n'),
  ), [
    'reply -1: 220 {ready}',
    'command 0: USER {anna}',
    'reply 0: 331 {password?}',
    'command 1: PASS {secret}',
    'reply 1: 230 {welcome}',
    'command 2: PASV',
    'reply 2: 227 {Entering Passive Mode (127,0,0,1,4,5)}',
    'command 3: RETR {a file}',
    'reply 3: 150 {opening}',
    'reply 3: 226 {done}',
    'command 4: QUIT',
    'reply 4: 221 {bye}',
  ])
})

test('events carry offsets, times, the argument\'s bytes and the raw lines', t => {
  const decoder = new FtpDecoder()
  decoder.receive('down', Buffer.from('220 ready\r\n'), 500)
  t.deepEqual(decoder.receive('up', Buffer.from('retr \xe9'), 1_000), [
    { type: 'span', direction: 'up', kind: 'command', start: 0, end: 7, message: 0 },
  ])
  t.deepEqual(decoder.receive('up', Buffer.from('.txt\r\n'), 2_000), [
    { type: 'span', direction: 'up', kind: 'command', start: 7, end: 13, message: 0 },
    {
      type: 'command', message: 0, start: 0, end: 13, startedAt: 1_000, at: 2_000, verb: 'RETR',
      argument: Buffer.from('\xe9.txt'), argumentText: '\xe9.txt', odd: [], raw: Buffer.from('retr \xe9.txt\r\n'),
    },
  ])
  decoder.receive('down', Buffer.from('150-one\r\n'), 3_000)
  t.deepEqual(decoder.receive('down', Buffer.from('150 two\r\n'), 4_000), [
    { type: 'span', direction: 'down', kind: 'reply', start: 20, end: 29, message: 0 },
    {
      type: 'reply', message: 0, start: 11, end: 29, startedAt: 3_000, at: 4_000, code: 150, text: 'one\ntwo',
      lines: ['one', 'two'], preliminary: true, odd: [], raw: Buffer.from('150-one\r\n150 two\r\n'),
    },
  ])
})

test('incomplete lines have spans at once', t => {
  t.deepEqual(spansOf('up', GREETING, up('NOOP\r\nPA'), up('SV')), ['0-6 command #0', '6-10 command #1'])
  t.deepEqual(spansOf('down', GREETING, up('NOOP\r\n'), down('2'), down('00 o')), ['0-11 reply #-1', '11-16 reply #0'])
  t.deepEqual(spansOf('down', down('22')), ['0-2 reply #-1'])
  t.deepEqual(spansOf('down', GREETING, up('NOOP\r\n'), down('hel')), ['0-14 reply #-1'])
})

test('raw stays intact while the rest of the call is read', t => {
  const decoder = new FtpDecoder()
  decoder.receive('up', Buffer.from('USER an'), 0)
  const events = decoder.receive('up', Buffer.from('na\r\nPASS s\r\nCWD /a/longer/path'), 0)
  t.deepEqual(events.flatMap(event => event.type === 'command' ? [event.raw.toString()] : []), ['USER anna\r\n', 'PASS s\r\n'])
})

test('pipelined commands are answered in order', t => {
  t.deepEqual(playGreeted(up('CWD a\r\nTYPE I\r\nSIZE b\r\n'), down('250 ok\r\n200 ok\r\n213 5\r\n')).slice(3), [
    'reply 0: 250 {ok}', 'reply 1: 200 {ok}', 'reply 2: 213 {5}',
  ])
  t.deepEqual(playGreeted(up('RETR a\r\nRETR b\r\n'), down('150 a\r\n226 a\r\n150 b\r\n226 b\r\n')).slice(2), [
    'reply 0: 150 {a}', 'reply 0: 226 {a}', 'reply 1: 150 {b}', 'reply 1: 226 {b}',
  ])
})

test('a greeting may be a 120 and then a 220, and commands before it wait', t => {
  t.deepEqual(play(up('USER a\r\n'), down('120 in 5 minutes\r\n220 ready\r\n331 go on\r\n')), [
    'command 0: USER {a}', 'reply -1: 120 {in 5 minutes}', 'reply -1: 220 {ready}', 'reply 0: 331 {go on}',
  ])
  t.deepEqual(play(down('421 too many\r\n')), ['reply -1: 421 {too many}'])
  t.deepEqual(play(up('USER a\r\n'), down('530 not you\r\n')).slice(1), ['reply -1: 530 {not you}'])
})

test('a connection that was joined later has no greeting', t => {
  t.deepEqual(play(up('PWD\r\n'), down('257 "/"\r\n')), ['command 0: PWD', 'reply 0: 257 {"/"}'])
})

test('a reply that nothing waits for', t => {
  t.deepEqual(playGreeted(down('200 what\r\n'), up('NOOP\r\n'), down('200 ok\r\n')), [
    'reply -1: 200 {what} [unsolicited]', 'command 0: NOOP', 'reply 0: 200 {ok}',
  ])
})

test('a command can\'t be answered by a reply that began before it was complete', t => {
  t.deepEqual(playGreeted(up('NO'), down('42'), up('OP\r\n'), down('1 timeout\r\n')), [
    'command 0: NOOP', 'reply -1: 421 {timeout} [unsolicited]',
  ])
})

const RETRIEVING = [up('RETR a\r\n'), down('150 here\r\n')]
const during = (...steps: Step[]) => playGreeted(...RETRIEVING, ...steps).filter(event => event.startsWith('reply')).slice(1)

test('STAT during a transfer is answered before it', t => {
  t.deepEqual(during(up('STAT\r\n'), down('211-status\r\n 5 bytes\r\n211 end\r\n226 done\r\n')), [
    'reply 1: 211 {status| 5 bytes|end} [out-of-turn]', 'reply 0: 226 {done}',
  ])
  t.deepEqual(during(up('STAT\r\nNOOP\r\n'), down('213 s\r\n'), down('226 done\r\n200 ok\r\n')), [
    'reply 1: 213 {s} [out-of-turn]', 'reply 0: 226 {done}', 'reply 2: 200 {ok}',
  ])
  t.deepEqual(during(up('NOOP\r\nSTAT\r\n'), down('212 s\r\n'), down('226 done\r\n200 ok\r\n')), [
    'reply 2: 212 {s} [out-of-turn]', 'reply 0: 226 {done}', 'reply 1: 200 {ok}',
  ])
  t.deepEqual(spansOf('down', GREETING, ...RETRIEVING, up('STAT\r\n'), down('211 s\r\n226')), [
    '0-11 reply #-1', '11-21 reply #0', '21-28 reply #1', '28-31 reply #0',
  ])
})

test('STAT before the transfer has begun waits for its turn, unless the reply can\'t be the transfer\'s', t => {
  t.deepEqual(playGreeted(up('RETR a\r\nSTAT\r\n'), down('211 s\r\n150 a\r\n226 b\r\n')).slice(2), [
    'reply 1: 211 {s} [out-of-turn]', 'reply 0: 150 {a}', 'reply 0: 226 {b}',
  ])
  t.deepEqual(playGreeted(up('RETR a\r\nNOOP\r\n'), down('500 a\r\n200 b\r\n')).slice(2), ['reply 0: 500 {a}', 'reply 1: 200 {b}'])
  t.deepEqual(playGreeted(up('PWD\r\nSTAT\r\n'), down('211 s\r\n')).at(-1), 'reply 0: 211 {s}')
  t.deepEqual(playGreeted(up('RETR a\r\nSTAT\r\n'), down('550 no\r\n211 s\r\n')).slice(2), ['reply 0: 550 {no}', 'reply 1: 211 {s}'])
})

test('a reply that began before a command isn\'t its own, whatever the code', t => {
  t.deepEqual(during(down('21'), up('STAT\r\n'), down('1 s\r\n')), ['reply 0: 211 {s}'])
  t.deepEqual(spansOf('down', GREETING, down('2'), up('NOOP\r\n'), down('0')), ['0-13 reply #-1'])
})

test('what can\'t end a transfer answers a command sent during it', t => {
  t.deepEqual(during(up('NOOP\r\n'), down('200 ok\r\n226 done\r\n')), ['reply 1: 200 {ok} [out-of-turn]', 'reply 0: 226 {done}'])
  t.deepEqual(during(up('NOOP\r\n'), down('226 done\r\n200 ok\r\n')), ['reply 0: 226 {done}', 'reply 1: 200 {ok}'])
  t.deepEqual(during(up('QUIT\r\n'), down('226 done\r\n221 bye\r\n')), ['reply 0: 226 {done}', 'reply 1: 221 {bye}'])
  t.deepEqual(during(up('QUIT\r\n'), down('221 bye\r\n')), ['reply 1: 221 {bye} [out-of-turn]'])
  t.deepEqual(during(up('NOOP\r\n'), down('451 disk\r\n200 ok\r\n')), ['reply 0: 451 {disk}', 'reply 1: 200 {ok}'])
  t.deepEqual(during(up('NOOP\r\n'), down('552 full\r\n200 ok\r\n')), ['reply 0: 552 {full}', 'reply 1: 200 {ok}'])
  t.deepEqual(during(down('200 done, oddly\r\n')), ['reply 0: 200 {done, oddly}'])
  t.deepEqual(during(up('NOOP\r\n'), down('110 MARK\r\n226 done\r\n')), ['reply 0: 110 {MARK}', 'reply 0: 226 {done}'])
})

test('ABOR during a transfer: the first reply is the transfer\'s, the second is ABOR\'s', t => {
  t.deepEqual(during(up('ABOR\r\n'), down('426 cut\r\n226 aborted\r\n')), ['reply 0: 426 {cut}', 'reply 1: 226 {aborted}'])
  t.deepEqual(during(up('ABOR\r\n'), down('226 done\r\n225 nothing to abort\r\n')), [
    'reply 0: 226 {done}', 'reply 1: 225 {nothing to abort}',
  ])
  t.deepEqual(during(up('STAT\r\nABOR\r\n'), down('211 s\r\n426 cut\r\n226 aborted\r\n')), [
    'reply 1: 211 {s} [out-of-turn]', 'reply 0: 426 {cut}', 'reply 2: 226 {aborted}',
  ])
})

test('ABOR with one reply alone: the next command still gets its own', t => {
  const next = [up('PWD\r\n'), down('257 "/"\r\n'), up('NOOP\r\n'), down('200 ok\r\n')]
  t.deepEqual(during(up('ABOR\r\n'), down('225 aborted\r\n'), ...next), [
    'reply 1: 225 {aborted} [out-of-turn]', 'reply 2: 257 {"/"}', 'reply 3: 200 {ok}',
  ])
  t.deepEqual(during(up('ABOR\r\n'), down('226 aborted\r\n'), ...next), [
    'reply 0: 226 {aborted}', 'reply 2: 257 {"/"}', 'reply 3: 200 {ok}',
  ])
  t.deepEqual(during(up('ABOR\r\n'), down('426 aborted\r\n'), ...next), [
    'reply 0: 426 {aborted}', 'reply 2: 257 {"/"}', 'reply 3: 200 {ok}',
  ])
})

test('ABOR without a transfer, and ABOR after the next command was sent', t => {
  t.deepEqual(playGreeted(up('ABOR\r\n'), down('225 nothing\r\n')).slice(1), ['reply 0: 225 {nothing}'])
  t.deepEqual(playGreeted(up('ABOR\r\nPWD\r\n'), down('502 what?\r\n257 "/"\r\n')).slice(2), ['reply 0: 502 {what?}', 'reply 1: 257 {"/"}'])
  t.deepEqual(during(up('ABOR\r\nPWD\r\n'), down('426 cut\r\n'), down('226 aborted\r\n257 "/"\r\n')), [
    'reply 0: 426 {cut}', 'reply 1: 226 {aborted}', 'reply 2: 257 {"/"}',
  ])
})

test('421 is the oldest command\'s, and the others stay unanswered', t => {
  const decoder = new FtpDecoder()
  const { events } = playTo(decoder, [GREETING, ...RETRIEVING, up('STAT\r\nNOOP\r\n'), down('421 shutting down\r\n')])
  t.is(events.at(-1), 'reply 0: 421 {shutting down}')
  t.deepEqual(decoder.outstanding, [1, 2])
  t.deepEqual(playGreeted(down('421 timeout\r\n')), ['reply -1: 421 {timeout} [unsolicited]'])
  t.deepEqual(playGreeted(up('\r\nNOOP\r\n'), down('421 timeout\r\n')).at(-1), 'reply 0: 421 {timeout}')
})

test('an empty line may be answered or not', t => {
  t.deepEqual(playGreeted(up('\r\nPWD\r\n'), down('500 what?\r\n257 "/"\r\n')), [
    'command 0:  [empty]', 'command 1: PWD', 'reply 0: 500 {what?}', 'reply 1: 257 {"/"}',
  ])
  t.deepEqual(playGreeted(up('\r\nPWD\r\n'), down('257 "/"\r\n')).at(-1), 'reply 1: 257 {"/"}')
})

test('many commands behind one another, answered in and out of turn', t => {
  const noops = 1000
  const begun = [GREETING, up(`RETR a\r\n${'NOOP\r\n'.repeat(noops)}STOR b\r\n`), down(`150 a\r\n${'200 ok\r\n'.repeat(noops - 1)}`)]
  const decoder = new FtpDecoder()
  t.is(playTo(decoder, begun).events.at(-1), `reply ${noops - 1}: 200 {ok} [out-of-turn]`)
  t.deepEqual(decoder.outstanding, [0, noops, noops + 1])
  t.deepEqual(play(...begun, down('226 a\r\n200 ok\r\n150 b\r\n226 b\r\n')).slice(-4), [
    'reply 0: 226 {a}', `reply ${noops}: 200 {ok}`, `reply ${noops + 1}: 150 {b}`, `reply ${noops + 1}: 226 {b}`,
  ])
})

test('outstanding and awaiting', t => {
  const state = (...steps: Step[]) => {
    const decoder = new FtpDecoder()
    playTo(decoder, steps)
    return [decoder.outstanding, decoder.awaiting]
  }
  t.deepEqual(state(up('USER a\r\nPASS b\r\nPA')), [[0, 1], null])
  t.deepEqual(state(up('USER a\r\nPASS b\r\n'), GREETING), [[0, 1], { message: 0, verb: 'USER' }])
  t.deepEqual(state(GREETING, up('PASV\r\nLIST\r\n'), down('22')), [[0, 1], { message: 0, verb: 'PASV' }])
  t.deepEqual(state(GREETING, up('LIST\r\n'), down('150 here\r\n')), [[0], { message: 0, verb: 'LIST' }])
  t.deepEqual(state(GREETING, up('LIST\r\n'), down('150 here\r\n'), up('STAT\r\n'), down('211-a\r\n')), [[0, 1], { message: 1, verb: 'STAT' }])
  t.deepEqual(state(GREETING, down('211-a\r\n'), up('STAT\r\n')), [[0], null])
  t.deepEqual(state(GREETING, up('PWD\r\n'), down('257 "/"\r\n')), [[], null])
  t.deepEqual(state(GREETING, up(`${'x'.repeat(50)}\r\n`)), [[0], { message: 0, verb: 'X'.repeat(32) }])
})
