import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'

/** What wiretape is measured against and with: programs, an npm package (`http-proxy`), and a part of nginx often packaged apart. */
export type Program = Executable | 'http-proxy' | 'nginx stream module'

type Executable = 'nginx' | 'haproxy' | 'mitmdump' | 'wrk' | 'curl' | 'vsftpd' | 'lftp' | 'socat' | 'python3' | 'tcpdump' | 'tshark'

const versionArgument: Record<Executable, string> = {
  nginx: '-v', haproxy: '-v', mitmdump: '--version', wrk: '-v', curl: '--version', vsftpd: '-v', lftp: '--version', socat: '-V', python3: '--version', tcpdump: '--version', tshark: '--version',
}

/** Servers are often installed where an ordinary user's PATH doesn't look. */
const serverFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin']

const versions = new Map<Program, string | null>()

/** @returns the version installed, null where there is none. */
export function versionOf(program: Program): string | null {
  let version = versions.get(program)
  if (version === undefined) {
    version = program === 'http-proxy' ? packageVersion(program)
      : program === 'nginx stream module' ? (streamModule() === null ? null : versionOf('nginx')) : programVersion(program)
    versions.set(program, version)
  }
  return version
}

export function isInstalled(program: Program): boolean {
  return versionOf(program) !== null
}

/** @throws where it isn't installed: ask `isInstalled` first. */
export function pathOf(program: Program): string {
  const found = find(program)
  if (found === null) throw new Error(`${program} is not installed`)
  return found
}

function find(program: string): string | null {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...serverFolders]) {
    const path = join(folder, program)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {}
  }
  return null
}

/** @returns the file that nginx has to load to relay UDP, '' where it is built in; null where there is none. */
export function streamModule(): string | null {
  const nginx = find('nginx')
  if (nginx === null) return null
  const { stderr } = spawnSync(nginx, ['-V'], { encoding: 'utf8', timeout: 20_000 })
  if (/--with-stream(?=\s|$)/.test(stderr)) return ''
  const folder = /--modules-path=(\S+)/.exec(stderr)?.[1] ?? '/usr/lib/nginx/modules'
  const file = join(folder, 'ngx_stream_module.so')
  return existsSync(file) ? file : null
}

function programVersion(program: Executable): string | null {
  const path = find(program)
  if (path === null) return null
  // Some print it on stderr, and some with a failure; vsftpd answers on its stdin, as it does to a client.
  const { stdout, stderr } = spawnSync('sh', ['-c', 'exec "$0" "$1" 0>&1', path, versionArgument[program]], { encoding: 'utf8', timeout: 20_000 })
  return /\d+(?:\.\d+)+/.exec(`${stdout}\n${stderr}`)?.[0] ?? '(version unknown)'
}

function packageVersion(name: string): string | null {
  try {
    return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version
  } catch {
    return null
  }
}
