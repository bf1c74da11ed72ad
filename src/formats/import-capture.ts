import { basename } from 'node:path'
import { inspect } from 'node:util'
import { reasonOf, systemCodeOf, WiretapeError } from '../error.js'
import { BrokenGzip } from '../protocols/content/gunzip.js'
import { checkOptions } from '../recording/known-options.js'
import type { OptionKinds } from '../recording/known-options.js'
import { BrokenCapture } from './capture/captured-packet.js'
import type { CaptureReader, CaptureSink } from './capture/captured-packet.js'
import { ClassicPcap } from './capture/classic-pcap.js'
import { NanosecondPcap } from './capture/nanosecond-pcap.js'
import { Pcapng } from './capture/pcapng.js'
import { Traffic } from './capture/traffic.js'
import { eachChunk, gzipDamage, lookInto } from './file-bytes.js'
import type { ByteSource } from './file-bytes.js'
import { recognize } from './first-bytes.js'
import type { ImportKind } from './first-bytes.js'
import { HarReader } from './har/har-reader.js'
import type { ImportOptions, ImportProblem, ImportSummary } from './import-summary.js'
import { ImportWriter } from './import-writer.js'

const kinds: OptionKinds<ImportOptions> = { path: 'string', overwrite: 'boolean', append: 'boolean', keepPasswords: 'boolean', onProgress: 'function' }

type ToImport = ByteSource & { readonly kind: ImportKind }

/** Notes that are kept; a file that is wrong in one way is so thousands of times. */
const mostNotes = 200

/**
 * Makes a recording of captures: pcap and pcapng, gzipped too, and HAR. Connections go on from one file to the next, as
 * capturing programs that begin a new file now and then leave them.
 * @param files also pipes, and `-` for the standard input.
 * @throws WiretapeError `not-a-capture`, `not-found`, `exists`, `usage`, `storage`. That a file ends too early or lies is told in the summary.
 */
export async function importCapture(files: string | readonly string[], options: ImportOptions = {}): Promise<ImportSummary> {
  checkOptions('importCapture', kinds, options, "{ path: 'capture.sqlite' }")
  const paths = typeof files === 'string' ? [files] : files
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string')) throw new WiretapeError('usage', `importCapture: expected the path of a capture, or a list of them, not ${inspect(files)}`)
  if (paths.length === 0) throw new WiretapeError('usage', 'name the captures to import')
  if (paths.filter((path) => path === '-').length > 1) throw new WiretapeError('usage', 'the standard input can be read once')
  const toImport: ToImport[] = []
  try {
    for (const path of paths) toImport.push(await toImportOf(path))
    return await importAll(toImport, options)
  } finally {
    for (const { piped } of toImport) piped?.close()
  }
}

async function importAll(toImport: readonly ToImport[], options: ImportOptions): Promise<ImportSummary> {
  const imported = toImport.map(({ path }) => path === '-' ? 'standard input' : basename(path)).join(', ')
  const writer = await ImportWriter.open(options, { imported }, toImport.every(({ piped }) => piped === null))
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

async function toImportOf(path: string): Promise<ToImport> {
  const source = await lookInto(path)
  const found = source.damage === null ? recognize(source.first) : { looksLike: source.damage }
  if ('kind' in found) return { ...source, kind: found.kind }
  source.piped?.close()
  throw new WiretapeError('not-a-capture', `${path === '-' ? 'the standard input' : path} is no capture${source.gzip ? ' (unpacked)' : ''}: ${found.looksLike}; pcap, pcapng and HAR can be imported`)
}

/** One import: what its files share. */
class Import {
  readonly #writer: ImportWriter
  readonly #options: ImportOptions
  readonly #traffic: Traffic
  readonly #total: number | null
  readonly #problems: ImportProblem[] = []
  readonly #notes: string[] = []
  readonly #har = { entries: 0, connections: 0, skipped: 0, missingBytes: 0 }
  #done = 0

  constructor(writer: ImportWriter, files: readonly ToImport[], options: ImportOptions) {
    this.#writer = writer
    this.#options = options
    this.#traffic = new Traffic(writer, options.keepPasswords ?? false, (text) => this.#note(text))
    this.#total = files.reduce<number | null>((sum, { size }) => sum === null || size === null ? null : sum + size, 0)
  }

  async file(source: ToImport): Promise<void> {
    const { path, kind } = source
    const note = (text: string): void => this.#note(`${path}: ${text}`)
    const har = kind === 'har' ? new HarReader(this.#writer, note) : null
    const sink: CaptureSink = { packet: (packet) => this.#traffic.packet(packet), note }
    const reader: CaptureReader = har ?? readerFor(kind, sink)
    let given = 0
    try {
      await eachChunk(source, (chunk) => {
        given += chunk.length
        reader.take(chunk)
      }, (bytes) => this.#progress(path, bytes), note)
      reader.end()
    } catch (thrown) {
      this.#broken(path, thrown, reader, given)
    }
    har?.close()
    if (har !== null) for (const key of ['entries', 'connections', 'skipped', 'missingBytes'] as const) this.#har[key] += har.counts[key]
    this.#done += source.size ?? source.piped?.bytesRead ?? 0
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
    this.#problems.push({ file, ...where, text: gzipDamage(thrown) })
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
