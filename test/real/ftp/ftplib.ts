import type { ExecutionContext } from 'ava'
import { installed } from '../installed.js'
import { run } from '../program.js'
import type { FtpClient, Place } from './client.js'

const session = `
import sys, io
from ftplib import FTP
host, port, user, password, form, task, name, offset = sys.argv[1:]
out = sys.stdout.buffer
with FTP() as ftp:
    ftp.connect(host, int(port))
    ftp.login(user, password)
    ftp.set_pasv(form in ('PASV', 'EPSV'))
    ftp.pwd()
    if task == 'download':
        ftp.retrbinary('RETR ' + name, out.write, rest=int(offset) or None)
    elif task == 'upload':
        ftp.storbinary('STOR ' + name, io.BytesIO(sys.stdin.buffer.read()))
    elif task == 'append':
        ftp.storbinary('APPE ' + name, io.BytesIO(sys.stdin.buffer.read()))
    elif task == 'list':
        ftp.dir(lambda line: out.write(line.encode(ftp.encoding) + b'\\n'))
`

async function ftplib(t: ExecutionContext, place: Place, task: string, name: string, input: Buffer | string, offset = 0): Promise<Buffer> {
  const { host, port, user, password, form } = place
  const done = await run(t, 'python3', ['-c', session, host, `${port}`, user, password, form, task, name, `${offset}`], input)
  if (done.code !== 0) throw new Error(`python3 ended with ${done.code}: ${done.stderr}`)
  return done.stdout
}

/** Over IPv4 it knows PASV and PORT alone, over IPv6 EPSV and EPRT. */
export const ftplibClient: FtpClient = {
  name: 'python3\'s ftplib',
  available: installed('python3'),
  forms: { 4: ['PASV', 'PORT'], 6: ['EPSV', 'EPRT'] },
  appendsBy: 'APPE',
  download: (t, place, name) => ftplib(t, place, 'download', name, ''),
  resume: async (t, place, name, had) => Buffer.concat([had, await ftplib(t, place, 'download', name, '', had.length)]),
  upload: async (t, place, name, bytes) => void await ftplib(t, place, 'upload', name, bytes),
  append: async (t, place, name, bytes) => void await ftplib(t, place, 'append', name, bytes),
  list: async (t, place) => {
    const lines = (await ftplib(t, place, 'list', '', '')).toString().split('\n')
    return lines.filter((line) => line !== '').map((line) => line.split(/ +/).slice(8).join(' '))
  },
}
