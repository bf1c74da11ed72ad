import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { installed } from '../installed.js'
import { run } from '../program.js'
import { temporaryFolder } from '../temporary-folder.js'
import { passive } from './client.js'
import type { FtpClient, Place } from './client.js'

/** Runs lftp commands in one session; the first that fails ends it. */
export async function lftp(t: ExecutionContext, place: Place, ...commands: string[]): Promise<Buffer> {
  const { host, port, user, password, form } = place
  const at = host.includes(':') ? `[${host}]` : host
  const all = [
    'set cmd:fail-exit yes', 'set net:max-retries 1', 'set net:timeout 60', 'set ftp:ssl-allow no', 'set xfer:clobber yes', 'set bmk:save-passwords no',
    `set ftp:passive-mode ${passive(form) ? 'on' : 'off'}`, `set ftp:prefer-epsv ${form === 'EPSV' ? 'yes' : 'no'}`,
    `open -u ${user},${password} -p ${port} ftp://${at}`, ...commands,
  ]
  const done = await run(t, 'lftp', ['--norc', '-c', all.join('; ')])
  if (done.code !== 0) throw new Error(`lftp ended with ${done.code}: ${done.stderr}`)
  return done.stdout
}

function file(t: ExecutionContext, bytes: Buffer): string {
  const path = join(temporaryFolder(t), 'file')
  writeFileSync(path, bytes)
  return path
}

/** Its EPRT over IPv6 names the address `::`, which no server takes. */
export const lftpClient: FtpClient = {
  name: 'lftp',
  available: installed('lftp'),
  forms: { 4: ['PASV', 'EPSV', 'PORT'], 6: ['EPSV'] },
  appendsBy: 'STOR',
  download: async (t, place, name) => {
    const path = file(t, Buffer.alloc(0))
    await lftp(t, place, `get ${name} -o ${path}`)
    return readFileSync(path)
  },
  resume: async (t, place, name, had) => {
    const path = file(t, had)
    await lftp(t, place, `get -c ${name} -o ${path}`)
    return readFileSync(path)
  },
  upload: async (t, place, name, bytes) => void await lftp(t, place, `put ${file(t, bytes)} -o ${name}`),
  append: async (t, place, name, bytes, before) =>
    void await lftp(t, place, `put -c ${file(t, Buffer.concat([before, bytes]))} -o ${name}`),
  list: async (t, place) => (await lftp(t, place, 'cls -1')).toString().split('\n')
    .filter((line) => line !== '').map((name) => name.replace(/\/$/, '')),
}
