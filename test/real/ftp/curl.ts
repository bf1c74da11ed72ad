import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { installed } from '../installed.js'
import { run } from '../program.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { Form, FtpClient, Place } from './client.js'

const ways: Readonly<Record<Form, readonly string[]>> = {
  PASV: ['--disable-epsv'], EPSV: [], PORT: ['--ftp-port', '-', '--disable-eprt'], EPRT: ['--ftp-port', '-'],
}

async function curl(t: ExecutionContext, place: Place, name: string, args: readonly string[]): Promise<Buffer> {
  const { host, port, user, password, form } = place
  const at = host.includes(':') ? `[${host}]` : host
  const done = await run(t, 'curl', ['-gsS', '--user', `${user}:${password}`, ...ways[form], ...args, `ftp://${at}:${port}/${name}`])
  if (done.code !== 0) throw new Error(`curl ended with ${done.code}: ${done.stderr}`)
  return done.stdout
}

function file(t: ExecutionContext, bytes: Buffer): string {
  const path = join(temporaryFolder(t), 'file')
  writeFileSync(path, bytes)
  return path
}

export const curlClient: FtpClient = {
  name: 'curl',
  available: installed('curl'),
  forms: { 4: ['PASV', 'EPSV', 'PORT', 'EPRT'], 6: ['EPSV', 'EPRT'] },
  appendsBy: 'APPE',
  download: (t, place, name) => curl(t, place, name, []),
  resume: async (t, place, name, had) => {
    const path = file(t, had)
    await curl(t, place, name, ['-C', '-', '-o', path])
    return readFileSync(path)
  },
  upload: async (t, place, name, bytes) => void await curl(t, place, name, ['-T', file(t, bytes)]),
  append: async (t, place, name, bytes) => void await curl(t, place, name, ['-a', '-T', file(t, bytes)]),
  list: async (t, place) => {
    const lines = (await curl(t, place, '', [])).toString().split(/\r?\n/)
    return lines.filter((line) => line !== '').map((line) => line.split(/ +/).slice(8).join(' '))
  },
}
