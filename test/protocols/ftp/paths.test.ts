import assert from 'node:assert/strict'
import { posix } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { parsePathReply, WorkingDirectory, withoutListOptions } from '../../../src/protocols/ftp/index.js'

type Answer = readonly [verb: string, argument: string | null, code: number, text?: string]

function after(...answers: readonly Answer[]): WorkingDirectory {
  const directory = new WorkingDirectory()
  for (const [verb, argument, code, text] of answers) directory.observe(verb, argument, code, text ?? '')
  return directory
}

const AT_PUB: Answer = ['PWD', null, 257, '"/pub" is the current directory']

test('257 has the path in quotes, one in the path itself doubled', t => {
  t.is(parsePathReply('"/pub" is the current directory'), '/pub')
  t.is(parsePathReply('current directory is "/a b"'), '/a b')
  t.is(parsePathReply('"/a""b"" c" is it'), '/a"b" c')
  t.is(parsePathReply('"/a""""" x "y"'), '/a""')
  t.is(parsePathReply('""'), '')
  t.is(parsePathReply('/pub is current'), '/pub')
  t.is(parsePathReply('ok'), null)
  t.is(parsePathReply('"/pub'), null)
  t.is(parsePathReply('"'.repeat(100_000)), null)
})

test('PWD and XPWD tell the folder', t => {
  t.is(after().path, null)
  t.is(after(AT_PUB).path, '/pub')
  t.is(after(['XPWD', null, 257, '"/"']).path, '/')
  t.is(after(['PWD', null, 257, '"/a/../b//c/"']).path, '/b/c')
  t.is(after(AT_PUB, ['PWD', null, 550, '"/x"']).path, '/pub')
  t.is(after(AT_PUB, ['PWD', null, 257, '"C:\\x"']).path, null)
  t.is(after(AT_PUB, ['PWD', null, 257, 'DISK$USER:[ANNA]']).path, null)
  t.is(after(AT_PUB, ['PWD', null, 200, '"/x"']).path, '/pub')
  t.is(after(['MKD', 'x', 257, '"/x" created']).path, null)
})

test('CWD and CDUP lead on from it', t => {
  t.is(after(AT_PUB, ['CWD', 'a/b', 250]).path, '/pub/a/b')
  t.is(after(AT_PUB, ['CWD', '/x', 250]).path, '/x')
  t.is(after(AT_PUB, ['CWD', '../..', 250]).path, '/')
  t.is(after(AT_PUB, ['XCWD', 'a', 200]).path, '/pub/a')
  t.is(after(AT_PUB, ['CWD', 'a', 550]).path, '/pub')
  t.is(after(AT_PUB, ['CWD', 'a', 250], ['CDUP', null, 200]).path, '/pub')
  t.is(after(AT_PUB, ['XCUP', null, 250]).path, '/')
  t.is(after(['CWD', '/x', 250]).path, '/x')
  t.is(after(['CWD', 'x', 250]).path, null)
  t.is(after(['CDUP', null, 250]).path, null)
  t.is(after(AT_PUB, ['CWD', null, 250]).path, null)
  t.is(after(AT_PUB, ['CWD', '~anna', 250]).path, null)
})

test('where a server says where CWD led, that counts', t => {
  t.is(after(['CWD', 'x', 250, '"/home/x" is current directory.']).path, '/home/x')
  t.is(after(['CWD', '~', 250, 'CWD successful. "/home/""a""" is the current directory']).path, '/home/"a"')
  t.is(after(AT_PUB, ['CDUP', null, 250, '"/other" is new directory']).path, '/other')
  t.is(after(AT_PUB, ['CWD', 'x', 250, 'See "/read.me" first']).path, '/pub/x')
})

test('a login, REIN and SMNT make it unknown', t => {
  t.is(after(AT_PUB, ['PASS', 'x', 230]).path, null)
  t.is(after(AT_PUB, ['USER', 'x', 230]).path, null)
  t.is(after(AT_PUB, ['REIN', null, 220]).path, null)
  t.is(after(AT_PUB, ['SMNT', 'x', 250]).path, null)
  t.is(after(AT_PUB, ['USER', 'x', 331], ['PASS', 'x', 530]).path, '/pub')
  t.is(after(AT_PUB, ['PASS', 'x', 202]).path, '/pub')
})

test('resolve gives the path as the server sees it', t => {
  const pub = after(AT_PUB)
  t.is(pub.resolve('a b.txt'), '/pub/a b.txt')
  t.is(pub.resolve('./a/../b'), '/pub/b')
  t.is(pub.resolve('../../../x'), '/x')
  t.is(pub.resolve('/x//y/./z/..'), '/x/y')
  t.is(pub.resolve(null), '/pub')
  t.is(pub.resolve(''), '/pub')
  t.is(pub.resolve('~/x'), null)
  t.is(pub.resolve('~'), null)
  t.is(pub.resolve('~backup'), '/pub/~backup')
  t.is(after().resolve('/x'), '/x')
  t.is(after().resolve('x'), null)
  t.is(after().resolve(null), null)
})

test('property: any path resolves as POSIX says, and any folder that PWD quotes is read', t => {
  const path = fc.array(fc.constantFrom('a', 'b c', '.', '..', '', '"', '...', 'é'), { maxLength: 8 }).map(parts => parts.join('/'))
  t.notThrows(() => fc.assert(fc.property(path, path, (folder, argument) => {
    const directory = after(['PWD', null, 257, `"/${folder.replaceAll('"', '""')}" is it`])
    const home = posix.resolve('/', folder.replace(/^\/+/, ''))
    assert.equal(directory.path, home)
    assert.equal(directory.resolve(argument), posix.resolve(home, argument))
  })))
})

test('options before a path', t => {
  t.deepEqual(['-la', '-a -l dir', '-la a b', 'dir -la', '-', '--', '-l-', ' -l x', 'x', ''].map(withoutListOptions), [
    null, 'dir', 'a b', 'dir -la', '-', '--', '-l-', 'x', 'x', null,
  ])
  t.is(withoutListOptions(null), null)
})
