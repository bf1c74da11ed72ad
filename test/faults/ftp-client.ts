import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Relay } from 'wiretape'
import type { FtpServer } from '../real/ftp/server.js'
import { run } from '../real/program.js'
import { temporaryFolder } from '../real/temporary-folder.js'

const session = `
import sys, io, json
from ftplib import FTP
host, port, user, password, *tasks = sys.argv[1:]
outcomes = []
ftp = FTP()
ftp.connect(host, int(port), timeout=60)
ftp.login(user, password)
for task in tasks:
    verb, _, name = task.partition(' ')
    came = io.BytesIO()
    try:
        if verb == 'RETR': said = ftp.retrbinary(task, came.write)
        elif verb == 'STOR': said = ftp.storbinary(task, io.BytesIO(b'u' * 400_000))
        else: said = ftp.sendcmd(task)
        outcomes.append(['fine', said, came.tell()])
    except Exception as problem:
        outcomes.append([type(problem).__name__, str(problem), came.tell()])
print(json.dumps(outcomes))
`

/** How a task ended for ftplib of python3: `fine` or an exception's name; what was said, and how many bytes came. */
export type Outcome = readonly [how: string, said: string, bytes: number]

/** @param tasks `RETR name`, `STOR name` (400,000 bytes) or any other command, all in one session. */
export async function ftplib(t: ExecutionContext, { port }: Pick<Relay, 'port'>, { host, user, password }: FtpServer, ...tasks: string[]): Promise<Outcome[]> {
  const { stdout, stderr } = await run(t, 'python3', ['-c', session, host, String(port), user, password, ...tasks])
  if (stdout.length === 0) throw new Error(stderr)
  return JSON.parse(stdout.toString()) as Outcome[]
}

/** @returns curl's exit code and what came. */
export async function curlFtp(t: ExecutionContext, { port }: Pick<Relay, 'port'>, { host, user, password }: FtpServer, name: string, ...args: string[]): Promise<{ code: number | null, bytes: Buffer }> {
  const { code, stdout } = await run(t, 'curl', ['-sS', '--user', `${user}:${password}`, ...args, `ftp://${host}:${port}/${name}`])
  return { code, bytes: stdout }
}

/** A file to be uploaded. */
export function fileOf(t: ExecutionContext, bytes: Uint8Array): string {
  const path = join(temporaryFolder(t), 'file')
  writeFileSync(path, bytes)
  return path
}
