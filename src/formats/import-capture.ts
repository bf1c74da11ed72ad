import { basename } from 'node:path'
import { reasonOf, systemCodeOf, WiretapeError } from '../error.js'
import type { OutputOptions } from '../recording/recording-path.js'
import { BrokenCapture } from './capture/captured-packet.js'
import type { CaptureReader, CaptureSink } from './capture/captured-packet.js'
import { ClassicPcap } from './capture/classic-pcap.js'
import { NanosecondPcap } from './capture/nanosecond-pcap.js'
import { Pcapng } from './capture/pcapng.js'
import { Traffic } from './capture/traffic.js'
import { BrokenGzip, eachChunk, lookInto } from './file-bytes.js'
import { recognize } from './first-bytes.js'
import type { ImportKind } from './first-bytes.js'
import { HarReader } from './har/har-reader.js'
import { ImportWriter } from './import-writer.js'

export interface ImportOptions extends OutputOptions {
  /** Record the arguments of PASS instead of masking them. */
  readonly keepPasswords?: boolean
  /** Called often while it reads. */
  readonly onProgress?: (progress: ImportProgress) => void
}

export interface ImportProgress {
  readonly file: string
  /** Of all files, as they are on the disk. */
  readonly bytes: number
  readonly total: number
  readonly records: number
}

/** Where a file couldn't be read on; what comes before it is imported. */
export interface ImportProblem {
  readonly file: string
  /** Bytes from the beginning of the file, with gzip undone. */
  readonly offset: number
  /** The packet, or in a HAR the entry, that would have been next, from 1. */
  readonly packet: number
  readonly text: string
}

export interface ImportSummary {
  /** The recording. */
  readonly path: string
  readonly records: number
  /** TCP connections, UDP sessions, and what a HAR tells of as connections. */
  readonly connections: number
  readonly packets: number
  /** Of HARs. */
  readonly entries: number
  /** Packets, or entries, that are left out: on interfaces that can't be read, of other protocols, or not to be read themselves. */
  readonly skipped: { readonly unknownLink: number, readonly other: number, readonly malformed: number, readonly entries: number }
  /** Packets that the capture has shortened. */
  readonly cut: number
  /** Bytes that connections had, and the files don't. */
  readonly missingBytes: number
  /** Every file was read to its end. */
  readonly complete: boolean
  readonly problems: readonly ImportProblem[]
  /** What else should be known, in words. */
  readonly notes: readonly string[]
}

type ToImport = { readonly path: string, readonly kind: ImportKind, readonly size: number, readonly gzip: boolean }

/** Notes that are kept; a file that is wrong in one way is so thousands of times. */
const mostNotes = 200

/**
 * Makes a recording of captures: pcap and pcapng, gzipped too, and HAR. Connections go on from one file to the next, as
 * capturing programs that begin a new file now and then leave them.
 * @throws WiretapeError `not-a-capture`, `not-found`, `exists`, `usage`, `storage`. That a file ends too early or lies is told in the summary.
 */
export async function importCapture(files: string | readonly string[], options: ImportOptions = {}): Promise<ImportSummary> {
  const paths = typeof files === 'string' ? [files] : files
  if (paths.length === 0) throw new WiretapeError('usage', 'name the captures to import')
  const toImport = paths.map(toImportOf)
  const writer = await ImportWriter.open(options, { imported: paths.map((path) => basename(path)).join(', ') })
  try {
    const running = new Import(writer, toImport, options)
    for (const file of toImport) await running.file(file)
    return await running.end()
  } catch (thrown) {
    await writer.abandon()
    if (thrown instanceof WiretapeError || !String(systemCodeOf(thrown)).startsWith('SQLITE_')) throw thrown
    throw new WiretapeError('storage', `cannot write ${writer.path}: ${reasonOf(thrown)}`, { cause: thrown })
  }
}

function toImportOf(path: string): ToImport {
  const { size, first, gzip } = lookInto(path)
  const found = recognize(first)
  if ('kind' in found) return { path, kind: found.kind, size, gzip }
  throw new WiretapeError('not-a-capture', `${path} is no capture${gzip ? ' (unpacked)' : ''}: ${found.looksLike}; pcap, pcapng and HAR can be imported`)
}

/** One import: what its files share. */
class Import {
  readonly #writer: ImportWriter
  readonly #options: ImportOptions
  readonly #traffic: Traffic
  readonly #total: number
  readonly #problems: ImportProblem[] = []
  readonly #notes: string[] = []
  readonly #har = { entries: 0, connections: 0, skipped: 0, missingBytes: 0 }
  #done = 0

  constructor(writer: ImportWriter, files: readonly ToImport[], options: ImportOptions) {
    this.#writer = writer
    this.#options = options
    this.#traffic = new Traffic(writer, options.keepPasswords ?? false, (text) => this.#note(text))
    this.#total = files.reduce((sum, { size }) => sum + size, 0)
  }

  async file({ path, kind, size, gzip }: ToImport): Promise<void> {
    const note = (text: string): void => this.#note(`${path}: ${text}`)
    const har = kind === 'har' ? new HarReader(this.#writer, note) : null
    const sink: CaptureSink = { packet: (packet) => this.#traffic.packet(packet), note }
    const reader: CaptureReader = har ?? readerFor(kind, sink)
    let given = 0
    try {
      await eachChunk(path, gzip, (chunk) => {
        given += chunk.length
        reader.take(chunk)
      }, (bytes) => this.#progress(path, bytes))
      reader.end()
    } catch (thrown) {
      this.#broken(path, thrown, reader, given)
    }
    har?.close()
    if (har !== null) for (const key of ['entries', 'connections', 'skipped', 'missingBytes'] as const) this.#har[key] += har.counts[key]
    this.#done += size
  }

  async end(): Promise<ImportSummary> {
    this.#traffic.end()
    await this.#writer.finish()
    const { packets, connections, cut, missingBytes, unknownLink, other, malformed } = this.#traffic.counts
    return {
      path: this.#writer.path, records: this.#writer.records, connections: connections + this.#har.connections, packets, entries: this.#har.entries,
      skipped: { unknownLink, other, malformed, entries: this.#har.skipped }, cut, missingBytes: missingBytes + this.#har.missingBytes,
      complete: this.#problems.length === 0, problems: this.#problems, notes: this.#notes,
    }
  }

  /** What a file lies about is its own problem: the others, and what came before, are imported. */
  #broken(file: string, thrown: unknown, reader: CaptureReader, given: number): void {
    if (thrown instanceof BrokenCapture) {
      this.#problems.push({ file, offset: thrown.offset, packet: thrown.packet, text: thrown.message })
      return
    }
    if (!(thrown instanceof BrokenGzip)) throw thrown
    const where = placeIn(reader) ?? { offset: given, packet: this.#traffic.counts.packets + 1 }
    this.#problems.push({ file, ...where, text: thrown.message })
  }

  #note(text: string): void {
    if (this.#notes.length < mostNotes) this.#notes.push(text)
  }

  async #progress(file: string, bytes: number): Promise<void> {
    await this.#writer.room()
    this.#options.onProgress?.({ file, bytes: this.#done + bytes, total: this.#total, records: this.#writer.records })
  }
}

/** Where a reader stands: that it is asked to end there tells. */
function placeIn(reader: CaptureReader): { offset: number, packet: number } | null {
  try {
    reader.end()
  } catch (thrown) {
    if (thrown instanceof BrokenCapture) return { offset: thrown.offset, packet: thrown.packet }
  }
  return null
}

function readerFor(kind: ImportKind, sink: CaptureSink): CaptureReader {
  switch (kind) {
    case 'nanosecond pcap': return new NanosecondPcap(sink)
    case 'pcapng': return new Pcapng(sink)
    default: return new ClassicPcap(sink)
  }
}
