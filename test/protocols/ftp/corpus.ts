import { down, GREETING, type Step, up } from './harness.js'

/** One line or reply, good or hostile, with what else has to be on the connection for it to mean what it means. */
export interface Sample {
  readonly name: string
  readonly kind: 'command' | 'reply'
  /** Latin1. */
  readonly bytes: string
  /** The commands that a reply may answer. */
  readonly commands: string
  /** Whether it is complete in itself, so that another one may follow. */
  readonly ends: boolean
}

const command = (name: string, bytes: string, ends = true): Sample => ({ name, kind: 'command', bytes, commands: '', ends })
const reply = (name: string, bytes: string, ends = true, commands = 'NOOP\r\nNOOP\r\n'): Sample => {
  return { name, kind: 'reply', bytes, commands, ends }
}

const LONG = 'a'.repeat(70_000)
const TRANSFER = 'RETR a\r\nSTAT\r\nABOR\r\n'

const COMMANDS: readonly Sample[] = [
  command('plain', 'PWD\r\n'),
  command('argument', 'RETR a file.txt\r\n'),
  command('lower case', 'retr A\r\n'),
  command('empty argument', 'LIST \r\n'),
  command('bare LF', 'PWD\n'),
  command('empty', '\r\n'),
  command('empty, bare LF', '\n'),
  command('only spaces', '  \r\n'),
  command('leading spaces', '  PWD\r\n'),
  command('bare CR', 'RETR a\rb\r\n'),
  command('CR twice', 'PWD\r\r\n'),
  command('NUL', 'RETR a\0b\r\n'),
  command('controls', 'RETR a\x01\x1b\x7f\r\n'),
  command('UTF-8', 'RETR \xc3\xa9\xf0\x9f\x98\x80\r\n'),
  command('latin1', 'RETR \xe9\r\n'),
  command('odd verb', 'R\xe9TR a\r\n'),
  command('pipelined', 'TYPE I\r\nPASV\r\nRETR a\r\n'),
  command('ABOR', '\xff\xf4\xff\xf2ABOR\r\n'),
  command('ABOR without its DM', '\xff\xf4\xffABOR\r\n'),
  command('ABOR without an IAC', '\xff\xf4\xf2ABOR\r\n'),
  command('negotiation', '\xff\xfb\x18\xff\xfc\x01\xff\xfd\x03\xff\xfe\x05PWD\r\n'),
  command('negotiation in a line', 'PA\xff\xfd\x18SV\r\n'),
  command('negotiation about LF', 'PA\xff\xfd\nSV\r\n'),
  command('subnegotiation', '\xff\xfa\x18\x01\xff\xff\xff\xf0PWD\r\n'),
  command('doubled IAC', 'RETR a\xff\xffb\r\n'),
  command('single IAC', 'RETR a\xffb\xff\r\n'),
  command('at the limit', `RETR ${LONG.slice(0, 65_529)}\r\n`),
  command('without end', 'RETR a', false),
  command('without end after another', 'PWD\r\nRETR a', false),
  command('beyond the limit', `RETR ${LONG}\r\n`, false),
  command('HTTP', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', false),
  command('TLS', '\x16\x03\x01\x00\x05\n\x00\n\x01\r\n', false),
  command('SSH', 'SSH-2.0-OpenSSH_9.6\r\n', false),
]

const REPLIES: readonly Sample[] = [
  reply('plain', '200 ok\r\n'),
  reply('bare code', '200\r\n'),
  reply('code and space', '200 \r\n'),
  reply('bare LF', '200 ok\n'),
  reply('CR twice', '200 ok\r\r\n'),
  reply('bare code, CR twice', '200\r\r\n'),
  reply('many lines', '211-Features:\r\n MDTM\r\n211 End\r\n'),
  reply('many lines, bare LF', '211-a\n b\n211 c\n'),
  reply('many lines to a bare code', '211-a\r\n211\r\n'),
  reply('many lines with codes in them', '211-a\r\n200 b\r\n 211 c\r\n211-d\r\n2110\r\n211 e\r\n'),
  reply('UTF-8 and latin1', '211-\xc3\xa9\r\n\xe9\r\n211 \xff\xff\r\n'),
  reply('controls', '200 a\0b\x01\rc\r\n'),
  reply('telnet', '\xff\xfe\x01200 ok\r\n'),
  reply('telnet in the code', '2\xff\xf10\xff\xf10 ok\r\n'),
  reply('preliminary and final', '150 a\r\n226 b\r\n', true, 'RETR a\r\n'),
  reply('STAT in a transfer', '150 a\r\n211 s\r\n', true, TRANSFER),
  reply('ABOR with two replies', '150 a\r\n426 b\r\n226 c\r\n', true, TRANSFER),
  reply('ABOR with 225', '150 a\r\n225 b\r\n', true, TRANSFER),
  reply('421', '421 bye\r\n', true, TRANSFER),
  reply('unsolicited', '226 a\r\n226 b\r\n', true, 'RETR a\r\n'),
  reply('no reply', 'hello\r\n'),
  reply('empty line', '\r\n'),
  reply('binary', '\x01\x02\xfe\r\n'),
  reply('three digits and a letter', '200a\r\n'),
  reply('three digits and a CR', '200\ra\r\n'),
  reply('code out of range', '600 a\r\n099 b\r\n'),
  reply('AUTH answered', '234 go\r\n\x16\x03\x03', false, 'AUTH TLS\r\nPBSZ 0\r\n'),
  reply('at the limit', `200 ${LONG.slice(0, 65_530)}\r\n`),
  reply('beyond the limit', `200 ${LONG}\r\n`, false),
  reply('second line beyond the limit', `200-a\r\n${LONG}\r\n`, false),
  reply('without end', '200 ok', false),
  reply('many lines without end', '211-a\r\n211-b\r\n', false),
]

export const CORPUS: readonly Sample[] = [...COMMANDS, ...REPLIES]

/** The sample on its connection, and after it, in the same bytes, what else is given. */
export function stepsOf({ kind, commands, bytes }: Sample, next = ''): Step[] {
  return kind === 'command' ? [GREETING, up(bytes + next)] : [GREETING, up(commands), down(bytes + next)]
}
