import type { Direction } from '../decoder.js'

const DATA: ReadonlyMap<string, Direction> = new Map([
  ['RETR', 'down'], ['LIST', 'down'], ['NLST', 'down'], ['MLSD', 'down'],
  ['STOR', 'up'], ['APPE', 'up'], ['STOU', 'up'],
])

/** Which way a command's data goes over a data connection; null for a command that has none. `verb` is in upper case. */
export function dataDirection(verb: string): Direction | null {
  return DATA.get(verb) ?? null
}

const LISTINGS = new Set(['LIST', 'NLST', 'MLSD'])

/** Whether what the data connection brings is a listing, not a file. */
export function bringsListing(verb: string): boolean {
  return LISTINGS.has(verb)
}

const MODES: ReadonlyMap<string, 'passive' | 'active'> = new Map([
  ['PASV', 'passive'], ['EPSV', 'passive'], ['PORT', 'active'], ['EPRT', 'active'],
])

/** Which side will dial the data connection that this command prepares; null where it prepares none. */
export function preparesData(verb: string): 'passive' | 'active' | null {
  return MODES.get(verb) ?? null
}

const PATHS = new Set([
  'RETR', 'STOR', 'APPE', 'LIST', 'NLST', 'MLSD', 'MLST', 'STAT', 'SIZE', 'MDTM', 'MFMT', 'CWD', 'XCWD', 'DELE', 'RNFR',
  'RNTO', 'MKD', 'XMKD', 'RMD', 'XRMD', 'SMNT', 'STOU',
])

/** Whether the argument is a path. MFMT's has a time before it (`20020717210715 name`), LIST's may have options. */
export function takesPath(verb: string): boolean {
  return PATHS.has(verb)
}

/** Verbs whose argument is a secret. */
export const secretVerbs: readonly string[] = ['PASS', 'ACCT', 'ADAT']

const SECRETS = new Set(secretVerbs)

/** Whether the argument is a secret that shouldn't be shown. */
export function takesSecret(verb: string): boolean {
  return SECRETS.has(verb)
}
