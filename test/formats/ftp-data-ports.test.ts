import test from 'ava'
import { FtpDataPorts } from '../../src/formats/capture/ftp-data-ports.js'
import type { ExpectedData } from '../../src/formats/capture/ftp-data-ports.js'

function announced(command: number): ExpectedData {
  return { control: 1, relay: 0, command, mode: 'passive', form: 'PASV' }
}

test('what is announced at two addresses is taken once, and not what another has announced since at one of them', (t) => {
  const ports = new FtpDataPorts()
  ports.expect([{ host: 'a', port: 1 }, { host: 'b', port: 1 }], announced(1))
  ports.expect([{ host: 'b', port: 1 }, { host: 'c', port: 1 }], announced(2))
  t.is(ports.take({ host: 'a', port: 1 })?.command, 1)
  t.is(ports.take({ host: 'a', port: 1 }), null)
  t.is(ports.take({ host: 'c', port: 1 })?.command, 2)
  t.is(ports.take({ host: 'b', port: 1 }), null)
})

test('of many announcements the newest are kept', (t) => {
  const ports = new FtpDataPorts()
  for (let n = 0; n < 50_000; n++) ports.expect([{ host: 'a', port: n }], announced(n))
  t.is(ports.take({ host: 'a', port: 49_999 })?.command, 49_999)
  t.is(ports.take({ host: 'a', port: 46_000 })?.command, 46_000)
  t.is(ports.take({ host: 'a', port: 45_000 }), null)
})
