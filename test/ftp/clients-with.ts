import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { ftpClients } from '../real/ftp/clients.js'
import type { FtpServerKind } from '../real/ftp/server.js'
import { taping } from '../real/relaying.js'
import { assertCompleted, onlyTransfer, sha256 } from './sound.js'

/** Declares the tests of every client, in every form that it knows, with one server. */
export function testClientsWith(kind: FtpServerKind): void {
  for (const client of ftpClients) {
    for (const form of client.forms[4]) {
      // lftp asks for EPSV only where FEAT names it, and that of ftp-srv doesn't.
      if (client.name === 'lftp' && kind.name === 'ftp-srv' && form === 'EPSV') continue
      const where = kind.available && client.available ? test.serial : test.serial.skip
      where(`${client.name} by ${form} with ${kind.name}: download, resume, upload, append and list`, async (t) => {
        const server = await kind.start(t)
        const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
        const place = { host: '127.0.0.1', port: tape.port, user: server.user, password: server.password, form }
        const [down, up, more] = [randomBytes(300_001), randomBytes(250_000), randomBytes(70_003)] as const
        const had = down.subarray(0, 100_000)
        writeFileSync(join(server.folder, 'down.bin'), down)
        mkdirSync(join(server.folder, 'inner'))

        t.is(sha256(await client.download(t, place, 'down.bin')), sha256(down))
        t.is(sha256(await client.resume(t, place, 'down.bin', had)), sha256(down))
        await client.upload(t, place, 'up.bin', up)
        t.is(sha256(readFileSync(join(server.folder, 'up.bin'))), sha256(up))
        const kept = client.appendsBy === 'STOR' && !kind.keepsBeforeRestart ? Buffer.alloc(up.length) : up
        await client.append(t, place, 'up.bin', more, up)
        t.is(sha256(readFileSync(join(server.folder, 'up.bin'))), sha256(Buffer.concat([kept, more])))
        t.deepEqual((await client.list(t, place)).toSorted(), ['down.bin', 'inner', 'up.bin'])

        const recording = await tape.recorded()
        const { downloaded, resumed, uploaded, appended, listed } = {
          downloaded: onlyTransfer(recording, 'verb = \'RETR\' and restart_offset = 0'),
          resumed: onlyTransfer(recording, 'verb = \'RETR\' and restart_offset > 0'),
          uploaded: [...recording.ftpTransfers({ where: 'verb = \'STOR\'' })][0]!,
          appended: [...recording.ftpTransfers({ where: `verb = '${client.appendsBy}'` })].at(-1)!,
          listed: onlyTransfer(recording, 'verb in (\'LIST\', \'MLSD\')'),
        }
        await assertCompleted(t, recording, downloaded, down)
        await assertCompleted(t, recording, resumed, down.subarray(had.length))
        await assertCompleted(t, recording, uploaded, up)
        await assertCompleted(t, recording, appended, more)
        await assertCompleted(t, recording, listed)
        t.is(resumed.restartOffset, had.length)
        t.is(appended.restartOffset, client.appendsBy === 'STOR' ? up.length : 0)
        t.deepEqual([downloaded, resumed, uploaded, appended].map(({ path }) => path), ['down.bin', 'down.bin', 'up.bin', 'up.bin'].map(server.path))
        t.deepEqual([downloaded, resumed, uploaded, appended, listed].map(({ direction }) => direction), ['down', 'down', 'up', 'up', 'down'])
        t.deepEqual([downloaded, resumed, uploaded, appended].map(({ type, transferMode, structure }) => type + transferMode + structure), Array(4).fill('ISF'))
        for (const transfer of recording.ftpTransfers()) t.is(transfer.form, form)
        const entries = recording.ftpListing(listed.id).filter(({ type }) => type !== 'current' && type !== 'parent')
        t.deepEqual(entries.map(({ name }) => name).toSorted(), ['down.bin', 'inner', 'up.bin'])
        t.is(entries.find(({ name }) => name === 'down.bin')?.size, down.length)
        t.deepEqual(entries.map(({ type }) => type).toSorted((one, other) => one!.localeCompare(other!)), ['directory', 'file', 'file'])

        t.is([...recording.ftpSessions({ where: `user = '${server.user}' and ended is not null` })].length, 5)
        t.deepEqual([...recording.ftpCommands({ where: 'code is null or latency_ms < 0' })].map(({ verb }) => verb).filter((verb) => verb !== 'QUIT'), [])
        // A busy disk is nobody's fault here.
        t.deepEqual([...recording.events({ where: "source <> 'recorder'" })].map(({ text }) => text), [])
      })
    }
  }
}
