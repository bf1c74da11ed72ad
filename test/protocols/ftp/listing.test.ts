import assert from 'node:assert/strict'
import test from 'ava'
import fc from 'fast-check'
import { type ListingEntry, parseListing } from '../../../src/protocols/ftp/index.js'

const parse = (verb: string, text: string) => parseListing(verb, Buffer.from(text, 'latin1'))
const names = (entries: readonly ListingEntry[]) => entries.map(entry => entry.name)

const UNIX = [
  'total 12',
  'drwxr-xr-x   2 ftp      staff        4096 Jan 15 10:30 .',
  'drwxr-xr-x   2 ftp      staff        4096 Jan 15 10:30 a folder',
  '-rw-r-----   1 ftp      staff     1048576 Dec 31  2019 b.txt',
  'lrwxrwxrwx   1 ftp      staff           9 Jan 15 10:30 c -> /etc/d e',
  'crw-rw-rw-   1 root     root       1,   3 Jan 15 10:30 null',
  'prw-r--r--   1 ftp      staff           0 Jan 15 10:30 pipe',
].join('\r\n')

test('LIST of a Unix server', t => {
  const facts = (owner: string, group: string, mode: string) => new Map([['unix.ownername', owner], ['unix.groupname', group], ['unix.mode', mode]])
  const common = { modified: null, target: null }
  t.deepEqual(parse('LIST', `${UNIX}\r\n`), [
    { ...common, name: 'a folder', type: 'directory', size: 4096, modifiedText: 'Jan 15 10:30', facts: facts('ftp', 'staff', '0755') },
    { ...common, name: 'b.txt', type: 'file', size: 1_048_576, modifiedText: 'Dec 31 2019', facts: facts('ftp', 'staff', '0640') },
    { ...common, name: 'c', type: 'link', size: 9, modifiedText: 'Jan 15 10:30', target: '/etc/d e', facts: facts('ftp', 'staff', '0777') },
    { ...common, name: 'null', type: 'other', size: null, modifiedText: 'Jan 15 10:30', facts: facts('root', 'root', '0666') },
    { ...common, name: 'pipe', type: 'other', size: 0, modifiedText: 'Jan 15 10:30', facts: facts('ftp', 'staff', '0644') },
  ])
})

test('LIST of a DOS-like server', t => {
  const common = { modified: null, target: null, facts: new Map() }
  t.deepEqual(parse('LIST', '12-05-96  05:03PM       <DIR>          a folder\r\n04-14-99  02:47PM                  589 b.txt\r\n'), [
    { ...common, name: 'a folder', type: 'directory', size: 0, modifiedText: '12-05-96 05:03PM' },
    { ...common, name: 'b.txt', type: 'file', size: 589, modifiedText: '04-14-99 02:47PM' },
  ])
})

test('LIST: lines that aren\'t understood are left out, a last one that is cut too', t => {
  t.deepEqual(names(parse('LIST', `hello\r\n a name\r\n${UNIX}\r\n-rw-r--r--   1 ftp`)), ['a folder', 'b.txt', 'c', 'null', 'pipe'])
})

test('LIST with lines of facts', t => {
  t.deepEqual(parse('LIST', 'modify=99999999999999;type=file;size=5; a\r\n'), parse('MLSD', 'modify=99999999999999;type=file;size=5; a'))
  t.deepEqual(names(parse('LIST', 'type=file; a\r\n')), ['a'])
})

test('MLSD: each line by its facts', t => {
  const entries = parse('MLSD', 'type=cdir;modify=20200101000000; /\r\ntype=file;size=5; a b\r\nnot one\r\ntype=dir; \xc3\xa9\ntype=dir; \xe9')
  t.deepEqual(entries.map(({ name, type, size }) => [name, type, size]), [
    ['/', 'current', null], ['a b', 'file', 5], ['é', 'directory', null], ['é', 'directory', null],
  ])
  t.is(entries[0]!.modified, Date.UTC(2020, 0, 1) * 1000)
})

test('NLST: a name a line', t => {
  t.deepEqual(names(parse('NLST', 'a\r\n b \nc/d\r\n\r\n\xe9')), ['a', ' b ', 'c/d', 'é'])
  t.deepEqual(parse('NLST', 'a'), [{ name: 'a', type: null, size: null, modified: null, modifiedText: null, target: null, facts: new Map() }])
})

test('no entries in what is no listing', t => {
  t.deepEqual(parse('RETR', UNIX), [])
  t.deepEqual(parse('LIST', ''), [])
  t.deepEqual(parse('MLSD', UNIX), [])
  t.deepEqual(parse('NLST', '\x7fELF\x01\x00\n\x00\n'), [])
  t.deepEqual(parse('NLST', 'a'.repeat(8193)), [])
})

test('property: never throws, and gives no more entries than lines', t => {
  const damaged = fc.tuple(fc.nat(UNIX.length), fc.nat(5), fc.string({ maxLength: 5 })).map(([at, remove, insert]) => {
    return UNIX.slice(0, at) + insert + UNIX.slice(at + remove)
  })
  const text = fc.oneof(damaged, fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes).toString('latin1')))
  t.notThrows(() => fc.assert(fc.property(text, fc.constantFrom('LIST', 'NLST', 'MLSD'), (text, verb) => {
    const bytes = Buffer.from(text)
    assert.ok(parseListing(verb, bytes).length <= bytes.toString('latin1').split('\n').length)
  })))
})
