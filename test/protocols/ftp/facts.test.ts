import test from 'ava'
import { parseFactsLine, parseMlstReply, parseTimeValue } from '../../../src/protocols/ftp/index.js'

test('a line of MLSD', t => {
  t.deepEqual(parseFactsLine('Type=file;Size=1024990;Modify=19970214165800.5;Perm=r; /tmp/a file; really'), {
    name: '/tmp/a file; really', type: 'file', size: 1_024_990, modified: 855_939_480_500_000, modifiedText: '19970214165800.5',
    target: null, facts: new Map([['type', 'file'], ['size', '1024990'], ['modify', '19970214165800.5'], ['perm', 'r']]),
  })
  t.deepEqual(parseFactsLine(' just a name'), {
    name: 'just a name', type: null, size: null, modified: null, modifiedText: null, target: null, facts: new Map(),
  })
})

test('types', t => {
  const type = (value: string) => {
    const { type, target } = parseFactsLine(`type=${value}; a`)!
    return [type, target]
  }
  t.deepEqual(type('dir'), ['directory', null])
  t.deepEqual(type('DIR'), ['directory', null])
  t.deepEqual(type('cdir'), ['current', null])
  t.deepEqual(type('pdir'), ['parent', null])
  t.deepEqual(type('OS.unix=slink:/a b'), ['link', '/a b'])
  t.deepEqual(type('OS.unix=symlink'), ['link', null])
  t.deepEqual(type('OS.unix=chr-1/2'), ['other', null])
})

test('facts that aren\'t what they should be', t => {
  t.is(parseFactsLine('size=x;modify=yesterday; a')?.size, null)
  t.is(parseFactsLine('size=x;modify=yesterday; a')?.modified, null)
  t.is(parseFactsLine('size=x;modify=yesterday; a')?.modifiedText, 'yesterday')
  t.is(parseFactsLine('size=99999999999999999999; a')?.size, null)
  t.is(parseFactsLine('type=dir;sizd=4096; a')?.size, 4096)
  t.is(parseFactsLine('type=file;size=4 a')?.size, 4)
  t.is(parseFactsLine('__proto__=x; a')?.facts.get('__proto__'), 'x')
  for (const line of ['', ' ', 'name', 'type=file;', 'type=file; ', 'a b', '=x; a', '-rw-r--r-- 1 a b 5 Jan 1 2020 x']) {
    t.is(parseFactsLine(line), null, line)
  }
})

test('the entry of an MLST reply', t => {
  t.is(parseMlstReply(['Listing x', ' type=dir; /x', 'End'])?.name, '/x')
  t.is(parseMlstReply(['Listing x', 'type=dir; /x', 'End']), null)
  t.is(parseMlstReply(['Listing x', ' /x', 'End']), null)
  t.is(parseMlstReply([' type=dir; /x']), null)
  t.is(parseMlstReply([]), null)
})

test('time values', t => {
  t.is(parseTimeValue('19700101000000'), 0)
  t.is(parseTimeValue('19700101000001.000001'), 1_000_001)
  t.is(parseTimeValue('20240229235960'), Date.UTC(2024, 2, 1) * 1000)
  t.is(parseTimeValue(' 20240229000000.1234567 '), Date.UTC(2024, 1, 29) * 1000 + 123_456)
  t.is(parseTimeValue('00010101000000'), new Date('0001-01-01T00:00:00Z').getTime() * 1000)
  for (const text of ['', 'x', '2024', '20230229000000', '20241301000000', '20240001000000', '20240132000000', '20240101240000', '20240101006000', '20240101000061', '2024010100000']) {
    t.is(parseTimeValue(text), null, text)
  }
})
