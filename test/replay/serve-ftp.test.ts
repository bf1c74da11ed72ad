import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { serveRecording } from 'wiretape'
import type { RecordingServer, ServeOptions } from 'wiretape'
import { ftpClients } from '../real/ftp/clients.js'
import { passive } from '../real/ftp/client.js'
import type { Form, Place } from '../real/ftp/client.js'
import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import type { FtpServer, FtpServerKind } from '../real/ftp/server.js'
import { vsftpd } from '../real/ftp/vsftpd.js'
import { taping } from '../real/relaying.js'
import { sha256 } from '../ftp/sound.js'

/** A server of the recording, stopped when the test is over. */
async function serving(t: ExecutionContext, path: string, options: ServeOptions = {}): Promise<RecordingServer> {
  const server = await serveRecording(path, { ftp: 0, onProblem: (message) => t.fail(message), ...options })
  t.teardown(() => server.stop())
  return server
}

const placeAt = (port: number, { user, password }: FtpServer, form: Form): Place => ({ host: '127.0.0.1', port, user, password, form })

const missed = (server: RecordingServer): string[] => server.misses.map(({ kind, text }) => `${kind}: ${text}`)

const [down, up, more] = [randomBytes(300_001), randomBytes(250_000), randomBytes(70_003)] as const

for (const kind of [vsftpd, pyftpdlib] satisfies FtpServerKind[]) {
  for (const client of ftpClients) {
    const where = kind.available && client.available ? test.serial : test.serial.skip
    where(`${client.name} repeats its run against a recorded ${kind.name}, in the form that was recorded and in every other`, async (t) => {
      const server = await kind.start(t)
      const tape = await taping(t, { ftp: `0=127.0.0.1:${server.port}` })
      writeFileSync(join(server.folder, 'down.bin'), down)
      mkdirSync(join(server.folder, 'inner'))
      const rerun = async (port: number, form: Form): Promise<{ first: string, resumed: string, listed: string[] }> => {
        const place = placeAt(port, server, form)
        const first = await client.download(t, place, 'down.bin')
        const resumed = await client.resume(t, place, 'down.bin', down.subarray(0, 100_000))
        await client.upload(t, place, 'up.bin', up)
        await client.append(t, place, 'up.bin', more, up)
        return { first: sha256(first), resumed: sha256(resumed), listed: await client.list(t, place) }
      }
      const forms = client.forms[4]
      const recorded = await rerun(tape.port, forms[0]!)
      t.deepEqual({ ...recorded, listed: recorded.listed.toSorted() }, { first: sha256(down), resumed: sha256(down), listed: ['down.bin', 'inner', 'up.bin'] })
      await tape.relay.stop()
      // Nothing of the origin is left.
      rmSync(server.folder, { recursive: true })
      for (const form of forms) {
        const stand = await serving(t, tape.path)
        t.deepEqual(await rerun(stand.port, form), recorded, form)
        t.deepEqual(missed(stand), [], form)
        t.true(stand.served > 20)
        // And again, from the same one.
        t.deepEqual(await rerun(stand.port, forms.find((one) => passive(one) !== passive(form)) ?? form), recorded)
        t.deepEqual(missed(stand), [])
      }
    })
  }
}
