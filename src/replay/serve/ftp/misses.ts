import { takesSecret } from '../../../protocols/ftp/index.js'
import type { Address } from '../../../recording/notes.js'
import type { FtpTransferRecord } from '../../../recording/rows.js'
import type { Difference, Miss } from '../miss.js'
import type { RecordedCommand } from './recorded-sessions.js'
import type { TransferSettings } from './transfer-settings.js'
import type { Upload } from './upload.js'

/** A command as a client gives it. */
export interface Asked {
  readonly verb: string
  readonly argument: string | null
  readonly path: string | null
  readonly key: string
}

/** Characters of a value that are told. */
const longest = 200

/** Commands of one verb among which the closest is looked for. */
const mostCompared = 1_000

/** Finds what comes closest to a command that nothing recorded answers. */
export class ClosestCommands {
  readonly #byVerb = new Map<string, RecordedCommand[]>()

  constructor(commands: readonly RecordedCommand[]) {
    for (const command of commands) {
      const same = this.#byVerb.get(command.verb)
      if (same === undefined) this.#byVerb.set(command.verb, [command])
      else if (same.length < mostCompared) same.push(command)
    }
  }

  /** Of the same verb, the one whose path has most of its beginning and end in common. */
  to({ verb, argument, path }: Asked): RecordedCommand | null {
    const name = (path ?? argument ?? '').slice(0, longest)
    let best: { readonly command: RecordedCommand, readonly alike: number } | null = null
    for (const command of this.#byVerb.get(verb) ?? []) {
      const alike = likeness(name, (command.path ?? command.argument ?? '').slice(0, longest))
      if (best === null || alike > best.alike) best = { command, alike }
    }
    return best?.command ?? null
  }
}

/** @param closest equal but for how its transfer was made, or else another; null where no command is like it. */
export function unknownCommand(client: Address | null, asked: Asked, closest: RecordedCommand | null, settings: TransferSettings, exhausted: boolean): Miss {
  const said = saidOf(asked)
  const differs = closest === null || exhausted ? [] : differencesOf(asked, closest, settings)
  const near = closest === null ? `no ${asked.verb} was recorded` : `the closest is ${saidOf(closest)} (record ${closest.id})`
  const how = differs.length === 0 ? '' : `: ${differs.map(({ field, came, recorded }) => `${field} ${came ?? 'none'}, recorded ${recorded ?? 'none'}`).join('; ')}`
  return {
    kind: exhausted ? 'exhausted' : 'unknown', protocol: 'ftp', client, asked: said, closest: closest?.id ?? null, differs,
    text: exhausted ? `${said}: all its recorded answers have been given` : `${said} was not recorded; ${near}${how}`,
  }
}

/** @param why what the recording lacks. */
export function incompleteCommand(client: Address | null, asked: Asked, command: RecordedCommand, why: string): Miss {
  const said = saidOf(asked)
  return { kind: 'incomplete', protocol: 'ftp', client, asked: said, closest: command.id, differs: [], text: `${said} was not recorded whole (record ${command.id}): ${why}` }
}

/** @param skipped bytes of the recorded upload that the client left out, by REST. */
export function divergedUpload(client: Address | null, asked: Asked, { id, bytes: recorded, sha256 }: FtpTransferRecord, upload: Upload, skipped: number): Miss {
  const said = saidOf(asked)
  const { differs: place, bytes, ended } = upload
  const size = recorded - skipped
  const differs: Difference[] = []
  if (bytes !== size) differs.push({ field: 'size', came: String(bytes), recorded: String(size) })
  if (skipped === 0 && upload.sha256 !== sha256) differs.push({ field: 'sha256', came: upload.sha256, recorded: sha256 })
  if (place !== null) differs.push({ field: `offset ${place.offset}`, came: hex(place.came), recorded: hex(place.recorded) })
  const where = place === null ? '' : `; the first difference is at offset ${place.offset}`
  const brokenOff = ended === 'gone' ? ', when the data connection broke off' : ''
  // A plugin that masks puts asterisks in the place of what it hides.
  const masked = place?.recorded.toString('latin1').startsWith('***') === true
  const hidden = masked ? '; the recording has asterisks there: what a mask hid can\'t be compared' : ''
  return {
    kind: masked ? 'incomplete' : 'diverged', protocol: 'ftp', client, asked: said, closest: id, differs,
    text: `${said} is another upload than recorded (record ${id}): ${bytes} bytes came${brokenOff}, ${size} were recorded${where}${hidden}`,
  }
}

/** The answer to what isn't recorded, in one line. */
export function missReply({ verb }: Asked, { kind, text }: Miss, takesPath: boolean): { readonly code: number, readonly text: string } {
  const code = kind === 'incomplete' ? 451 : verb === 'USER' ? 530 : takesPath ? 550 : 502
  // oxlint-disable-next-line no-control-regex
  return { code, text: cut(`wiretape: ${text}`, 2 * longest).replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?') }
}

/** `RETR a.txt`; the argument of what is secret is never told. */
function saidOf({ verb, argument }: Pick<Asked, 'verb' | 'argument'>): string {
  if (argument === null) return cut(verb, longest)
  return cut(`${verb} ${takesSecret(verb) ? '****' : argument}`, longest)
}

function differencesOf(asked: Asked, { verb, argument, path, key, transfer }: RecordedCommand, settings: TransferSettings): Difference[] {
  if (key !== asked.key) {
    const absolute = asked.path !== null && path !== null && asked.path !== path
    return [{ field: absolute ? 'path' : 'argument', came: cutOr(absolute ? asked.path : asked.argument), recorded: cutOr(absolute ? path : argument) }]
  }
  if (transfer === null) return []
  const fields: Difference[] = []
  if (transfer.transferMode !== settings.mode) fields.push({ field: 'MODE', came: settings.mode, recorded: transfer.transferMode })
  if (verb === 'RETR' && transfer.type !== settings.type) fields.push({ field: 'TYPE', came: settings.type, recorded: transfer.type })
  if (transfer.restartOffset !== settings.restart) fields.push({ field: 'REST', came: String(settings.restart), recorded: String(transfer.restartOffset) })
  return fields
}

function likeness(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  let start = 0
  while (start < most && one[start] === other[start]) start++
  let end = 0
  while (end < most - start && one[one.length - 1 - end] === other[other.length - 1 - end]) end++
  return (start + end) / Math.max(1, one.length, other.length)
}

function hex(bytes: Buffer): string | null {
  return bytes.length === 0 ? null : bytes.toString('hex').replaceAll(/..(?!$)/g, '$& ')
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}

function cutOr(text: string | null): string | null {
  return text === null ? null : cut(text, longest)
}
