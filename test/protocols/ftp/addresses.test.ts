import assert from 'node:assert/strict'
import test from 'ava'
import fc from 'fast-check'
import {
  parseEprtArgument, parseEpsvArgument, parseEpsvReply, parsePasvReply, parsePortArgument, withEprtArgument, withEpsvPort,
  withPasvAddress, withPortArgument,
} from '../../../src/protocols/ftp/index.js'

test('PASV replies: six numbers, wherever they stand', t => {
  const expected = { host: '127.0.0.1', port: 1029 }
  for (const text of [
    'Entering Passive Mode (127,0,0,1,4,5)', 'Entering Passive Mode (127,0,0,1,4,5).', 'Entering Passive Mode. 127,0,0,1,4,5',
    '=127,0,0,1,4,5', '127,0,0,1,4,5', '(127, 0, 0, 1, 4, 5)', 'Port 7 of 1,2 is (127,0,0,1,4,5)', '(127,000,0,001,4,05)',
    'first line\nEntering (127,0,0,1,4,5)',
  ]) t.deepEqual(parsePasvReply(text), expected, text)
})

test('PASV replies without an address', t => {
  for (const text of [
    '', 'Entering Passive Mode', '(127,0,0,1,4)', '(256,0,0,1,4,5)', '(127,0,0,1,4,256)', '(127,0,0,1,0,0)', '(1270,0,0,1,4,5)',
    '(127,0,0,-1,4,5)', '(127.0.0.1,4,5)', '(1234567,0,0,1,4,5)', '(127,0,0,1,4,5555555)', '(|||1029|)',
  ]) t.is(parsePasvReply(text), null, text)
})

test('EPSV replies: a port between delimiters of any kind', t => {
  for (const text of [
    'Entering Extended Passive Mode (|||6446|)', '(!!!6446!)', '(aaa6446a)', '|||6446|', 'wait... (|||6446|)', '((((6446()',
    '(|1|10.0.0.1|6446|)', '(|2|::1|6446|)', '( no (|||6446|)',
  ]) t.deepEqual(parseEpsvReply(text), { port: 6446 }, text)
  for (const text of ['', '(|||0|)', '(|||65536|)', '(|||6446)', '(||6446|)', '(|||64a6|)', '(127,0,0,1,4,5)', '(||| 6446|)', '(|||123456|)']) {
    t.is(parseEpsvReply(text), null, text)
  }
})

test('PORT arguments: six numbers and nothing else', t => {
  t.deepEqual(parsePortArgument('10,0,0,2,255,255'), { host: '10.0.0.2', port: 65_535 })
  t.deepEqual(parsePortArgument(' 10,0,0,2,0,21 '), { host: '10.0.0.2', port: 21 })
  for (const text of ['', '300,0,0,2,4,5', '10,0,0,2,4,300', '10,0,0,2,4', '10,0,0,2,4,5,6', '(10,0,0,2,4,5)', '10,0,0,2,0,0', 'a']) {
    t.is(parsePortArgument(text), null, text)
  }
})

test('EPRT arguments: family, address and port', t => {
  t.deepEqual(parseEprtArgument('|1|132.235.1.2|6275|'), { family: 4, host: '132.235.1.2', port: 6275 })
  t.deepEqual(parseEprtArgument('|2|1080::8:800:200C:417A|5282|'), { family: 6, host: '1080::8:800:200C:417A', port: 5282 })
  t.deepEqual(parseEprtArgument('!1!10.0.0.2!21! '), { family: 4, host: '10.0.0.2', port: 21 })
  t.deepEqual(parseEprtArgument('|2|fe80::1%lo|21|'), { family: 6, host: 'fe80::1%lo', port: 21 })
  t.deepEqual(parseEprtArgument('|2|::ffff:10.0.0.2|21|'), { family: 6, host: '::ffff:10.0.0.2', port: 21 })
  for (const text of [
    '', '|1|132.235.1.2|6275', '|1|::1|6275|', '|2|10.0.0.1|6275|', '|3|10.0.0.1|6275|', '|1|10.0.0.300|6275|', '|1|10.0.0.1|0|',
    '|1|10.0.0.1|65536|', '|1|localhost|21|', '|1!10.0.0.1|21|', 'x|1|10.0.0.1|21|', '||10.0.0.1|21|', '11110.0.0.11211',
  ]) t.is(parseEprtArgument(text), null, text)
})

test('EPSV arguments', t => {
  t.deepEqual(['', null, ' ', '1', '2', 'ALL', 'all ', '3', 'x'].map(parseEpsvArgument), ['any', 'any', 'any', 4, 6, 'all', 'all', null, null])
})

const PLACE = { host: '192.168.10.200', port: 40_001 }
const change = (text: string, by: (raw: Buffer) => Buffer) => by(Buffer.from(text, 'latin1')).toString('latin1')

test('rewriting changes the address and nothing else', t => {
  const pasv = (text: string) => change(text, raw => withPasvAddress(raw, PLACE))
  t.is(pasv('227 Entering \xff\xe9 (127,0,0,1,4,5).\r\n'), '227 Entering \xff\xe9 (192,168,10,200,156,65).\r\n')
  t.is(pasv('227 =127, 0,0 ,1,4,5\n'), '227 =192, 168,10 ,200,156,65\n')
  t.is(pasv('227-a\r\n 5,6\r\n227 (127,0,0,1,4,5)\r\n'), '227-a\r\n 5,6\r\n227 (192,168,10,200,156,65)\r\n')
  const port = (text: string) => change(text, raw => withPortArgument(raw, { host: '1.2.3.4', port: 258 }))
  t.is(port('\xff\xf4port  127,0,0,1,4,5 \r\r\n'), '\xff\xf4port  1,2,3,4,1,2 \r\r\n')
  t.is(change('229 Ok (|||1|) 7\r\n', raw => withEpsvPort(raw, 40_001)), '229 Ok (|||40001|) 7\r\n')
  t.is(change('229 ... !!!65000!\n', raw => withEpsvPort(raw, 1)), '229 ... !!!1!\n')
  t.is(change('eprt  !1!127.0.0.1!5!x\n', raw => withEprtArgument(raw, PLACE)), 'eprt  !1!192.168.10.200!40001!x\n')
  t.is(change('EPRT |1|127.0.0.1|5|\r\n', raw => withEprtArgument(raw, { host: '::1', port: 6 })), 'EPRT |2|::1|6|\r\n')
  t.is(change('EPRT |2|::1|5|\r\n', raw => withEprtArgument(raw, { host: '1.2.3.4', port: 6 })), 'EPRT |1|1.2.3.4|6|\r\n')
})

test('where there is no address, rewriting gives the same buffer', t => {
  const raw = Buffer.from('227 none\r\n')
  t.is(withPasvAddress(raw, PLACE), raw)
  t.is(withPortArgument(raw, PLACE), raw)
  t.is(withEpsvPort(raw, 1), raw)
  t.is(withEprtArgument(raw, PLACE), raw)
})

test('rewriting to what is no address is refused', t => {
  const raw = Buffer.from('227 (127,0,0,1,4,5)\r\n')
  for (const host of ['::1', 'localhost', '']) t.throws(() => withPasvAddress(raw, { host, port: 1 }), { instanceOf: RangeError, message: /IPv4/ })
  for (const port of [0, 65_536, 1.5, Number.NaN]) {
    t.throws(() => withPortArgument(raw, { host: '1.2.3.4', port }), { instanceOf: RangeError, message: /port/ })
    t.throws(() => withEpsvPort(raw, port), { instanceOf: RangeError })
    t.throws(() => withEprtArgument(raw, { host: '::1', port }), { instanceOf: RangeError })
  }
  t.throws(() => withEprtArgument(raw, { host: 'fe80::1%lo', port: 1 }), { instanceOf: RangeError, message: /zone/ })
})

const port = fc.integer({ min: 1, max: 65_535 })
const v4 = fc.record({ host: fc.ipV4(), port }, { noNullPrototype: true })
const v6 = fc.record({ host: fc.ipV6(), port }, { noNullPrototype: true })
const six = ({ host, port }: { host: string, port: number }) => `${host.replaceAll('.', ',')},${port >> 8},${port & 255}`
/** Bytes that can't be taken for an address. */
const text = fc.stringMatching(/^[A-Za-z \xe9\xff.]{0,20}$/)
const delimiter = fc.constantFrom('|', '!', '$', '~', '/', ';', ',')

test('property: what is written in a PASV reply or a PORT command is read, and rewritten in place', t => {
  t.notThrows(() => fc.assert(fc.property(v4, v4, text, text, (address, other, before, after) => {
    assert.deepEqual(parsePasvReply(`${before}(${six(address)})${after}`), address)
    assert.deepEqual(parsePortArgument(six(address)), address)
    const line = `227 ${before} ${six(address)} ${after}\r\n`
    assert.equal(change(line, raw => withPasvAddress(raw, other)), `227 ${before} ${six(other)} ${after}\r\n`)
    assert.equal(change(line, raw => withPasvAddress(raw, address)), line)
    assert.equal(change(`PORT ${six(address)}${after}\r\n`, raw => withPortArgument(raw, other)), `PORT ${six(other)}${after}\r\n`)
  })))
})

test('property: what is written in an EPSV reply or an EPRT command is read, and rewritten in place', t => {
  t.notThrows(() => fc.assert(fc.property(fc.oneof(v4, v6), fc.oneof(v4, v6), delimiter, text, (address, other, d, after) => {
    const epsv = ({ port }: { port: number }) => `229 ok (${d}${d}${d}${port}${d})${after}\r\n`
    assert.deepEqual(parseEpsvReply(epsv(address)), { port: address.port })
    assert.equal(change(epsv(address), raw => withEpsvPort(raw, other.port)), epsv(other))
    const family = (host: string) => host.includes(':') ? 6 as const : 4 as const
    const eprt = ({ host, port }: { host: string, port: number }) => `${d}${family(host) === 4 ? 1 : 2}${d}${host}${d}${port}${d}`
    assert.deepEqual(parseEprtArgument(eprt(address)), { family: family(address.host), ...address })
    assert.equal(change(`EPRT ${eprt(address)}\r\n`, raw => withEprtArgument(raw, other)), `EPRT ${eprt(other)}\r\n`)
  })))
})

test('property: what is found can be rewritten, and what isn\'t stays as it is', t => {
  const garbage = fc.array(fc.constantFrom('1', '25', '255', '256', ',', ' ', '|', '(', ')', '::1', '1.2.3.4', 'a', '\r\n'), { maxLength: 24 }).map(parts => parts.join(''))
  t.notThrows(() => fc.assert(fc.property(garbage, line => {
    const place = { host: '9.8.7.6', port: 515 }
    if (parsePasvReply(line) !== null) assert.deepEqual(parsePasvReply(change(line, raw => withPasvAddress(raw, place))), place)
    if (parseEpsvReply(line) !== null) assert.deepEqual(parseEpsvReply(change(line, raw => withEpsvPort(raw, 515))), { port: 515 })
    if (parsePortArgument(line) !== null) assert.deepEqual(parsePortArgument(change(line, raw => withPortArgument(raw, place))), place)
    if (parseEprtArgument(line) !== null) {
      assert.deepEqual(parseEprtArgument(change(line, raw => withEprtArgument(raw, place))), { family: 4, ...place })
    }
  })))
})
