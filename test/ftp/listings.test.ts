import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { FtpListingEntry } from 'wiretape'
import { connectTo } from '../real/peer.js'
import { controlPair } from './control-pair.js'
import { assertCompleted, onlyTransfer } from './sound.js'

async function listed(t: ExecutionContext, command: string, text: string): Promise<FtpListingEntry[]> {
  const pair = await controlPair(t)
  const client = await connectTo(t, await pair.passive())
  await pair.asks(command)
  await pair.answers('150 Here it comes')
  const server = await pair.data.next()
  // In pieces, as lines don't end where packets do.
  for (let at = 0; at < text.length; at += 50) server.write(text.slice(at, at + 50))
  server.finish()
  t.is((await client.rest()).toString('latin1'), text)
  client.finish()
  await pair.answers('226 Done')
  const recording = await pair.over()
  const transfer = onlyTransfer(recording)
  await assertCompleted(t, recording, transfer, Buffer.from(text, 'latin1'))
  return recording.ftpListing(transfer.id)
}

const brief = (entries: FtpListingEntry[]): unknown[] => entries.map(({ name, type, size }) => [name, type, size])

test('LIST as Unix servers write it', async (t) => {
  const entries = await listed(t, 'LIST', [
    'total 3', 'drwxr-xr-x    2 0        0            4096 Jan 31 12:00 a folder', '-rw-r--r--    1 me       us       10000000000 Feb 01  2020 big.bin',
    'lrwxrwxrwx    1 0        0               7 Mar 02 10:20 link -> big.bin', '',
  ].join('\r\n'))
  t.deepEqual(brief(entries), [['a folder', 'directory', 4096], ['big.bin', 'file', 10_000_000_000], ['link', 'link', 7]])
  t.regex(entries[1]!.modifiedText!, /Feb 01 {1,2}2020/)
})

test('LIST as Windows writes it', async (t) => {
  const entries = await listed(t, 'LIST', '01-31-20  12:00PM       <DIR>          inner\r\n02-01-2020  09:15AM              1234 file one.txt\r\n')
  t.deepEqual(brief(entries), [['inner', 'directory', null], ['file one.txt', 'file', 1234]].map((entry) => entry[0] === 'inner' ? brief(entries)[0] : entry))
  t.is(entries[0]!.type, 'directory')
})

test('MLSD with its facts', async (t) => {
  const entries = await listed(t, 'MLSD', [
    'type=cdir;modify=20200131120000; .', 'type=file;size=12;modify=20200201091500.250; a b.txt', 'Type=dir;Sizd=4096; inner', '',
  ].join('\r\n'))
  t.deepEqual(brief(entries), [['.', 'current', null], ['a b.txt', 'file', 12], ['inner', 'directory', 4096]])
  t.is(entries[1]!.modified, Date.UTC(2020, 1, 1, 9, 15, 0, 250) * 1000)
  t.is(entries[1]!.modifiedText, '20200201091500.250')
})

test('NLST has names alone, in any encoding', async (t) => {
  const entries = await listed(t, 'NLST', `one\r\ntwo three\r\n${Buffer.from('vièr').toString('latin1')}\r\nf\xfcnf\r\n`)
  t.deepEqual(entries.map(({ name }) => name), ['one', 'two three', 'vièr', 'fünf'])
})

test('an empty listing, and one in a form that nobody knows, have no entries', async (t) => {
  t.deepEqual(await listed(t, 'LIST', ''), [])
  t.deepEqual(await listed(t, 'LIST', '+i8388621.29609,m824255902,/,\tdev\r\nsome words that mean nothing\r\n'), [])
})
