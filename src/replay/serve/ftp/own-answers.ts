import type { RecordedSessions } from './recorded-sessions.js'
import type { TransferSettings } from './transfer-settings.js'

export interface Answer {
  readonly code: number
  /** Several lines make a multi-line reply. */
  readonly text: string
  /** As it goes out, where that isn't to be made of the others. */
  readonly bytes?: Buffer
}

export interface Question {
  readonly verb: string
  readonly argument: string | null
  readonly path: string | null
  readonly user: string | null
  /** The folder in which it is asked. */
  readonly folder: string | null
}

const features = 'Features:\n EPRT\n EPSV\n PASV\n REST STREAM\n SIZE\n UTF8\nEnd'

/** What every server knows, as an answer to what the recording has none to; null for all else. */
export function ownAnswer({ verb, argument, path, user, folder }: Question, { type }: TransferSettings, { folders, sizes, users }: RecordedSessions): Answer | null {
  const word = (argument ?? '').trim().toUpperCase()
  switch (verb) {
    // RFC 959 has no such command, and no client means anything by it.
    case '': return { code: 500, text: 'The command is empty.' }
    case 'NOOP': return { code: 200, text: 'OK.' }
    case 'TYPE': return /^(?:A(?: N)?|I|L 8)$/.test(word) ? { code: 200, text: `Type set to ${word}.` } : { code: 504, text: 'Types are A, I and L 8.' }
    case 'STRU': return word === 'F' ? { code: 200, text: 'Structure set to F.' } : { code: 504, text: 'The structure is F.' }
    case 'MODE': return word === 'S' ? { code: 200, text: 'Mode set to S.' } : { code: 504, text: 'The mode is S.' }
    case 'OPTS': return word === 'UTF8 ON' || word === 'UTF8' ? { code: 200, text: 'UTF8 is on.' } : null
    case 'FEAT': return { code: 211, text: features }
    case 'SYST': return { code: 215, text: 'UNIX Type: L8' }
    case 'ALLO': return { code: 202, text: 'No storage allocation needed.' }
    case 'REST': return /^\d{1,15}$/.test(word) ? { code: 350, text: `Restarting at ${word}.` } : { code: 501, text: 'REST takes a number of bytes.' }
    case 'PWD': case 'XPWD': return { code: 257, text: `"${(folder ?? '/').replaceAll('"', '""')}" is the current directory.` }
    case 'CWD': case 'XCWD': return path !== null && folders.has(path) ? { code: 250, text: 'Directory changed.' } : null
    case 'CDUP': case 'XCUP': return folder === null ? null : { code: 250, text: 'Directory changed.' }
    // A size is a whole file's: as text it may be another.
    case 'SIZE': return path !== null && type.startsWith('I') && sizes.has(path) ? { code: 213, text: String(sizes.get(path)) } : null
    case 'AUTH': return { code: 534, text: 'TLS can\'t be replayed.' }
    // Who logged in, may again; where nobody did, anybody may.
    case 'USER': return users.size === 0 || users.has(user ?? '') ? { code: 331, text: 'Password, please.' } : null
    case 'PASS': return users.size === 0 || users.has(user ?? '') ? { code: 230, text: 'Logged in.' } : { code: 530, text: 'Nobody of this name was recorded.' }
    case 'QUIT': return { code: 221, text: 'Goodbye.' }
    default: return null
  }
}
