/** What an entry of a listing is: `current` and `parent` are a folder's own entries for itself and the one above it. */
export type EntryType = 'file' | 'directory' | 'link' | 'current' | 'parent' | 'other'

/** One entry of a listing, of whatever form. What the listing doesn't tell is null. */
export interface ListingEntry {
  readonly name: string
  readonly type: EntryType | null
  /** In bytes. */
  readonly size: number | null
  /** In microseconds since the epoch; null too where the listing has no time zone, as LIST's hasn't. */
  readonly modified: number | null
  /** The time as the listing writes it. */
  readonly modifiedText: string | null
  /** Where a link leads. */
  readonly target: string | null
  /**
   * MLSD's facts, names in lower case (RFC 3659 §7.5). LIST's owner, group and permissions bear the names that servers
   * give them there: `unix.ownername`, `unix.groupname`, `unix.mode` in octal.
   */
  readonly facts: ReadonlyMap<string, string>
}

const TYPES: ReadonlyMap<string, EntryType> = new Map([
  ['file', 'file'], ['dir', 'directory'], ['cdir', 'current'], ['pdir', 'parent'],
])

/** Reads a line of MLSD or MLST: `type=file;size=4; name` (RFC 3659 §7.2). Null where it isn't one. */
export function parseFactsLine(line: string): ListingEntry | null {
  const semicolon = line.indexOf('; ')
  const space = semicolon === -1 ? line.indexOf(' ') : semicolon + 1
  const name = line.slice(space + 1)
  if (space === -1 || name === '') return null
  const facts = new Map<string, string>()
  for (const fact of line.slice(0, space).split(';')) {
    const equals = fact.indexOf('=')
    if (equals > 0) facts.set(fact.slice(0, equals).toLowerCase(), fact.slice(equals + 1))
    else if (fact !== '') return null
  }
  const modifiedText = facts.get('modify') ?? null
  const size = facts.get('size') ?? facts.get('sizd') ?? ''
  return {
    name,
    ...readType(facts.get('type')),
    size: /^\d{1,15}$/.test(size) ? Number(size) : null,
    modified: modifiedText === null ? null : parseTimeValue(modifiedText),
    modifiedText,
    facts,
  }
}

/** The entry in an MLST reply's lines: the one that begins with a space (RFC 3659 §7.2). */
export function parseMlstReply(lines: readonly string[]): ListingEntry | null {
  for (const line of lines.slice(1, -1)) {
    const entry = line.startsWith(' ') ? parseFactsLine(line.slice(1)) : null
    if (entry !== null && entry.facts.size > 0) return entry
  }
  return null
}

/**
 * A time as MDTM's reply and the modify fact have it, `YYYYMMDDHHMMSS` and a fraction of a second, in UTC (RFC 3659
 * §2.3), in microseconds since the epoch; null where it isn't one.
 */
export function parseTimeValue(text: string): number | null {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,20}))?$/.exec(text.trim())
  if (found === null) return null
  const [year, month, day, hours, minutes, seconds] = found.slice(1, 7).map(Number) as [number, number, number, number, number, number]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  // A 31st of June would run over into July.
  if (date.getUTCMonth() !== month - 1 || hours > 23 || minutes > 59 || seconds > 60) return null
  const fraction = Number((found[7] ?? '').padEnd(6, '0').slice(0, 6))
  return (date.getTime() + ((hours * 60 + minutes) * 60 + seconds) * 1000) * 1000 + fraction
}

/** Links have no type of their own; two spellings are in use, one with the target in it (RFC 3659, erratum 1500). */
function readType(type: string | undefined): { type: EntryType | null, target: string | null } {
  if (type === undefined) return { type: null, target: null }
  const slink = /^OS\.unix=slink:?(.*)$/i.exec(type)
  if (slink !== null) return { type: 'link', target: slink[1] === '' ? null : slink[1]! }
  if (/^OS\.unix=symlink$/i.test(type)) return { type: 'link', target: null }
  return { type: TYPES.get(type.toLowerCase()) ?? 'other', target: null }
}
