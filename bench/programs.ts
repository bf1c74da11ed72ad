import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'

/** What wiretape is measured against and with. `http-proxy` is an npm package, the rest are programs. */
export type Program = 'nginx' | 'haproxy' | 'mitmdump' | 'http-proxy' | 'wrk' | 'curl'

const versionArgument: Record<Exclude<Program, 'http-proxy'>, string> = {
  nginx: '-v', haproxy: '-v', mitmdump: '--version', wrk: '-v', curl: '--version',
}

/** Servers are often installed where an ordinary user's PATH doesn't look. */
const serverFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin']

const versions = new Map<Program, string | null>()

/** @returns the version installed, null where there is none. */
export function versionOf(program: Program): string | null {
  let version = versions.get(program)
  if (version === undefined) {
    version = program === 'http-proxy' ? packageVersion(program) : programVersion(program)
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

function programVersion(program: Exclude<Program, 'http-proxy'>): string | null {
  const path = find(program)
  if (path === null) return null
  // Some print it on stderr, and some with a failure.
  const { stdout, stderr } = spawnSync(path, [versionArgument[program]], { encoding: 'utf8', timeout: 20_000 })
  return /\d+(?:\.\d+)+/.exec(`${stdout}\n${stderr}`)?.[0] ?? '(version unknown)'
}

function packageVersion(name: string): string | null {
  try {
    return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version
  } catch {
    return null
  }
}
