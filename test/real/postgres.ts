import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { until } from './deadline.js'
import { freePort } from './free-port.js'
import { installed } from './installed.js'
import { run, start } from './program.js'
import { temporaryFolder } from './temporary-folder.js'

const places = '/usr/lib/postgresql'

/** Debian keeps the server's programs by version, and not where programs are looked for. */
function programs(): string | null {
  const versions = existsSync(places) ? readdirSync(places).sort((one, other) => Number(other) - Number(one)) : []
  return versions.map((version) => join(places, version, 'bin')).find((folder) => existsSync(join(folder, 'initdb'))) ?? null
}

export const hasPostgres = programs() !== null && installed('psql')

export interface Postgres {
  readonly port: number
  /** Resolves when it is gone. */
  stop(): Promise<void>
}

/** Users: `open` needs no password; `md5` and `scram` have `secret`, told in these ways. */
const users = `CREATE ROLE open LOGIN; SET password_encryption = 'md5'; CREATE ROLE md5 LOGIN PASSWORD 'secret'; SET password_encryption = 'scram-sha-256'; CREATE ROLE scram LOGIN PASSWORD 'secret';
  GRANT ALL ON SCHEMA public TO open;`
const access = 'host all postgres 127.0.0.1/32 trust\nhost all open 127.0.0.1/32 trust\nhost all md5 127.0.0.1/32 md5\nhost all scram 127.0.0.1/32 scram-sha-256\n'

/** A PostgreSQL server with an empty database, gone when the test is over. */
export async function postgresServer(t: ExecutionContext): Promise<Postgres> {
  const folder = temporaryFolder(t)
  const port = await freePort()
  // It refuses to run as root.
  const asRoot = process.getuid?.() === 0
  const prefix = asRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--'] : []
  const command = (name: string, ...args: readonly string[]): [string, string[]] => {
    const [program, ...rest] = [...prefix, join(programs()!, name), ...args]
    return [program!, rest]
  }
  if (asRoot) {
    const [uid, gid] = ['-u', '-g'].map((which) => Number(execFileSync('id', [which, 'postgres'])))
    chownSync(folder, uid!, gid!)
    chmodSync(folder, 0o700)
  }
  const data = join(folder, 'data')
  const made = await run(t, ...command('initdb', '-D', data, '-A', 'trust', '-U', 'postgres', '-N', '--no-locale', '-E', 'UTF8'))
  if (made.code !== 0) throw new Error(`initdb failed: ${made.stderr}`)
  writeFileSync(join(data, 'pg_hba.conf'), access)
  const child = start(t, ...command('postgres', '-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', '-c', 'fsync=off', '-c', 'max_wal_senders=0', '-c', 'wal_level=minimal'))
  child.stdout.resume()
  child.stderr.resume()
  await until(async () => (await run(t, 'psql', [...address('postgres', port), '-c', users])).code === 0, 'PostgreSQL to answer')
  return {
    port,
    stop: async () => {
      const gone = new Promise((resolve) => child.once('close', resolve))
      // Without waiting for clients.
      child.kill('SIGINT')
      await gone
    },
  }
}

/** What a psql is to be given to log in as a user. */
export function address(user: 'postgres' | 'open' | 'md5' | 'scram', port: number): string[] {
  return ['-X', '-w', '-v', 'ON_ERROR_STOP=0', `postgresql://${user}:secret@127.0.0.1:${port}/postgres?connect_timeout=20`]
}
