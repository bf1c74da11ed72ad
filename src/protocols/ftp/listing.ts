import { type FileInfo, FileType, parseList } from 'basic-ftp'
import { type EntryType, type ListingEntry, parseFactsLine } from './facts.js'
import { readText } from './text.js'

const LF = 0x0a
const CR = 0x0d

/** Longer lines aren't read: no file has such a name. In bytes. */
const LONGEST_LINE = 8 * 1024

/**
 * The entries of what LIST, NLST or MLSD brought over the data connection, in its order. Lines that aren't understood are
 * left out, and other verbs have none. Never throws. LIST's `.` and `..` are left out, MLSD's have types of their own.
 */
export function parseListing(verb: string, bytes: Buffer): ListingEntry[] {
  const parseLine = PARSERS.get(verb)
  if (parseLine === undefined) return []
  const entries: ListingEntry[] = []
  for (const line of linesOf(bytes)) {
    const entry = parseLine(line)
    if (entry !== null) entries.push(entry)
  }
  return entries
}

const PARSERS: ReadonlyMap<string, (line: string) => ListingEntry | null> = new Map([
  ['MLSD', parseFactsLine],
  ['NLST', parseName],
  ['LIST', parseListLine],
])

const TYPES: ReadonlyMap<FileType, EntryType> = new Map([
  [FileType.File, 'file'], [FileType.Directory, 'directory'], [FileType.SymbolicLink, 'link'],
])

/** Each line for itself is read as text, as old names may be in another encoding than new ones. */
function* linesOf(bytes: Buffer): Generator<string> {
  for (let start = 0; start < bytes.length;) {
    const feed = bytes.indexOf(LF, start)
    const next = feed === -1 ? bytes.length : feed + 1
    let end = feed === -1 ? next : feed
    while (end > start && bytes[end - 1] === CR) end--
    const line = end - start <= LONGEST_LINE ? readText(bytes.subarray(start, end)) : ''
    // oxlint-disable-next-line no-control-regex
    if (line.trim() !== '' && !/[\x00-\x08\x0e-\x1f]/.test(line)) yield line
    start = next
  }
}

function parseName(name: string): ListingEntry {
  return { name, type: null, size: null, modified: null, modifiedText: null, target: null, facts: new Map() }
}

/**
 * No standard says what LIST's lines look like (RFC 959 §4.1.3): Unix's and DOS's are known, and some servers write
 * MLSD's.
 */
function parseListLine(line: string): ListingEntry | null {
  if (/^[\w.-]+=/.test(line)) return parseFactsLine(line)
  const info = parseOne(line)
  // Without a time it was taken for a bare name, which isn't a line of LIST.
  if (info === undefined || info.rawModifiedAt === '') return null
  // Where a file has its size, a device has two numbers.
  const isDevice = /^[\s\d]*[bc][-r]/.test(line)
  return {
    name: info.name,
    type: isDevice ? 'other' : TYPES.get(info.type) ?? 'other',
    size: isDevice || !Number.isSafeInteger(info.size) ? null : info.size,
    modified: null,
    modifiedText: info.rawModifiedAt,
    target: info.link ?? null,
    facts: factsOf(info),
  }
}

function parseOne(line: string): FileInfo | undefined {
  try {
    return parseList(line)[0]
  } catch {
    return undefined
  }
}

function factsOf({ user, group, permissions }: FileInfo): ReadonlyMap<string, string> {
  const facts = new Map<string, string>()
  if (user !== undefined) facts.set('unix.ownername', user)
  if (group !== undefined) facts.set('unix.groupname', group)
  if (permissions !== undefined) facts.set('unix.mode', `0${permissions.user}${permissions.group}${permissions.world}`)
  return facts
}
