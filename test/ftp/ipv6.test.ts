import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { ftpClients } from '../real/ftp/clients.js'
import type { Form, FtpClient } from '../real/ftp/client.js'
import { curlClient } from '../real/ftp/curl.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import type { FtpServerKind } from '../real/ftp/server.js'
import { vsftpd } from '../real/ftp/vsftpd.js'
import { taping } from '../real/relaying.js'
import { assertCompleted, onlyTransfer, sha256 } from './sound.js'

const hasIpv6 = Object.values(networkInterfaces()).flat().some((address) => address?.address === '::1')

interface Crossing {
  readonly client: FtpClient
  readonly form: Form
  readonly kind: FtpServerKind
  readonly near: string
  readonly far: string
}

async function cross(t: ExecutionContext, { client, form, kind, near, far }: Crossing): Promise<string[]> {
  const bracketed = (host: string): string => host.includes(':') ? `[${host}]` : host
  const server = await kind.start(t, far)
  const tape = await taping(t, { ftp: `${bracketed(near)}:0=${bracketed(far)}:${server.port}` })
  const place = { host: near, port: tape.port, user: server.user, password: server.password, form }
  const [down, up] = [randomBytes(200_000), randomBytes(150_000)] as const
  writeFileSync(join(server.folder, 'down.bin'), down)
  t.is(sha256(await client.download(t, place, 'down.bin')), sha256(down))
  await client.upload(t, place, 'up.bin', up)
  t.is(sha256(readFileSync(join(server.folder, 'up.bin'))), sha256(up))

  const recording = await tape.recorded()
  for (const [verb, bytes] of [['RETR', down], ['STOR', up]] as const) {
    const transfer = onlyTransfer(recording, `verb = '${verb}'`)
    await assertCompleted(t, recording, transfer, bytes)
    t.is(transfer.form, form)
    const data = recording.connection(transfer.connectionId!)
    t.deepEqual([data.client?.host, data.listen?.host, data.dial?.host, data.server?.host], transfer.mode === 'passive'
      ? [near, near, far, far] : [near, far, near, far])
  }
  return [...recording.segments({ where: 'leg = \'sent\'' })].map(({ bytes }) => bytes.toString('latin1'))
}

for (const kind of [vsftpd, pyftpdlib]) {
  for (const client of ftpClients) {
    for (const form of client.forms[6]) {
      const here = hasIpv6 && kind.available && client.available ? test.serial : test.serial.skip
      here(`over IPv6, ${client.name} by ${form} with ${kind.name}`, async (t) => {
        await cross(t, { client, form, kind, near: '::1', far: '::1' })
      })
    }
  }
  const here = hasIpv6 && kind.available && curlClient.available ? test.serial : test.serial.skip
  here(`curl over IPv4 by PASV with ${kind.name} on IPv6: EPSV is asked, and 227 answered`, async (t) => {
    const changed = await cross(t, { client: curlClient, form: 'PASV', kind, near: '127.0.0.1', far: '::1' })
    t.is(changed.filter((text) => text === 'EPSV\r\n').length, 2)
    t.is(changed.filter((text) => /^227 [^]*\(127,0,0,1,\d+,\d+\)\.?\r\n$/.test(text)).length, 2)
  })
  here(`curl over IPv4 by PORT with ${kind.name} on IPv6: EPRT reaches the server`, async (t) => {
    const changed = await cross(t, { client: curlClient, form: 'PORT', kind, near: '127.0.0.1', far: '::1' })
    t.is(changed.filter((text) => /^EPRT \|2\|::1\|\d+\|\r\n$/.test(text)).length, 2)
  })
  here(`curl over IPv4 by EPSV with ${kind.name} on IPv6`, async (t) => {
    await cross(t, { client: curlClient, form: 'EPSV', kind, near: '127.0.0.1', far: '::1' })
  })
  for (const form of ['EPSV', 'EPRT'] as const) {
    here(`curl over IPv6 by ${form} with ${kind.name} on IPv4`, async (t) => {
      await cross(t, { client: curlClient, form, kind, near: '::1', far: '127.0.0.1' })
    })
  }
}

for (const form of curlClient.forms[4]) {
  const here = hasIpv6 && vsftpd.available && curlClient.available ? test.serial : test.serial.skip
  here(`curl over IPv4 by ${form} to a dual-stack listener, with vsftpd`, async (t) => {
    const server = await vsftpd.start(t)
    const tape = await taping(t, { ftp: `[::]:0=127.0.0.1:${server.port}` })
    const bytes = randomBytes(50_000)
    writeFileSync(join(server.folder, 'down.bin'), bytes)
    const place = { host: '127.0.0.1', port: tape.port, user: server.user, password: server.password, form }
    t.is(sha256(await curlClient.download(t, place, 'down.bin')), sha256(bytes))
    const recording = await tape.recorded()
    const transfer = onlyTransfer(recording)
    await assertCompleted(t, recording, transfer, bytes)
    t.is(recording.connection(transfer.connectionId!).client?.host, '127.0.0.1')
  })
}
