import { realpathSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { inspect } from 'node:util'
import { WiretapeError } from '../../error.js'
import { checkOptions, checkWord } from '../../recording/known-options.js'
import type { OptionKinds } from '../../recording/known-options.js'
import type { MissingBytes } from '../../recording/missing-bytes.js'
import { openRecording } from '../../recording/recording.js'
import type { Recording, Side } from '../../recording/recording.js'
import { curlCommands } from './curl.js'
import { exportFormats } from './formats.js'
import type { ExportFormat } from './formats.js'
import { harPieces } from './har.js'
import { jsonLines } from './jsonl.js'
import { pcapngBlocks } from './pcapng.js'
import { rawPieces } from './raw.js'
import { writeAll } from './write-all.js'
import { lookAt, writeFile } from './write-file.js'

export interface ExportOptions {
  readonly format: ExportFormat
  /** A file, which will be readable by its owner alone, or a stream, which is not ended. */
  readonly output: string | Writable
  /** Replace a file that exists, once the new one is whole. */
  readonly overwrite?: boolean
  /** Only records for which this SQL condition over the view `record` holds. Not for raw. */
  readonly where?: string
  /** raw: of a connection or a record. */
  readonly id?: number
  /** raw: this body of an exchange, or direction of a connection, alone. */
  readonly body?: Side
  /** raw: what went out, where plugins changed what came. */
  readonly sent?: boolean
}

export interface ExportSummary {
  /** raw: what was said and isn't in the bytes, as it wasn't recorded. Other forms tell of gaps themselves, or hold none. */
  readonly missing: readonly MissingBytes[]
}

type Pieces = AsyncIterable<Buffer | string> | Iterable<Buffer | string>

/**
 * Writes a recording, or some of it, in another form. It is read piece by piece: memory doesn't grow with it.
 * @param file the newest in `recordings/` where undefined.
 * @throws WiretapeError `usage`, `not-found`, `not-a-recording`, `exists` or `storage`; what the output stream fails with.
 */
export async function exportRecording(file: string | undefined, options: ExportOptions): Promise<ExportSummary> {
  const { output, overwrite = false } = readOptions(options)
  using recording = openRecording(file)
  const pieces = begun(piecesOf(recording, options))
  // What is wrong with the choice shows before a file is made, or one replaced.
  await pieces.start()
  if (typeof output === 'string') {
    refuseItself(recording.path, output)
    await writeFile(pieces, output, overwrite)
  } else {
    await writeAll(pieces, output)
  }
  return { missing: options.format === 'raw' ? recording.missing(options.id!, options.body) : [] }
}

const kinds: OptionKinds<ExportOptions> = { format: 'any', output: 'any', overwrite: 'boolean', where: 'any', id: 'any', body: 'any', sent: 'boolean' }

function readOptions(options: ExportOptions): ExportOptions {
  checkOptions('exportRecording', kinds, options, "{ format: 'har', output: 'session.har' }")
  const { format, where, id, body, sent, output } = options
  if (!exportFormats.includes(format)) throw new WiretapeError('usage', `--format ${format as string}: expected one of ${exportFormats.join(', ')}`)
  if (typeof output !== 'string' && typeof (output as Partial<Writable> | null | undefined)?.write !== 'function') throw new WiretapeError('usage', `exportRecording: output: expected a path or a stream, not ${inspect(output, { depth: 0 })}`)
  if (body !== undefined) checkWord('--body', ['request', 'response'], body)
  if (output === '') throw new WiretapeError('usage', '-o takes the name of one file')
  if (format === 'raw') {
    if (id === undefined) throw new WiretapeError('usage', '--format raw needs --id: of a connection, or of a record as wiretape ls lists them')
    if (!Number.isSafeInteger(id) || id < 0) throw new WiretapeError('usage', `--id ${id}: expected the number of a connection or a record`)
    if (where !== undefined) throw new WiretapeError('usage', '--format raw takes --id, not --where: it is the bytes of one thing')
  } else if (id !== undefined || body !== undefined || sent === true) {
    throw new WiretapeError('usage', `${id !== undefined ? '--id' : body !== undefined ? '--body' : '--sent'} is for --format raw: of ${format}, --where "id = 7" chooses one record`)
  }
  return options
}

function piecesOf(recording: Recording, { format, where, id, body, sent }: ExportOptions): Pieces {
  switch (format) {
    case 'har': needExchanges(recording, format); return harPieces(recording, where)
    case 'curl': needExchanges(recording, format); return curlCommands(recording, where)
    case 'pcapng': return pcapngBlocks(recording, where)
    case 'jsonl': return jsonLines(recording, where)
    case 'raw': return rawPieces(recording, { id: id!, body, leg: sent === true ? 'sent' : 'received' })
  }
}

function needExchanges(recording: Recording, format: string): void {
  for (const _ of recording.exchanges({ limit: 1 })) return
  throw new WiretapeError('not-found', `${recording.path} has no HTTP exchanges, and ${format} holds nothing else: jsonl and pcapng take records of every kind`)
}

/** Pieces of which the first can be asked for before the others. */
function begun(pieces: Pieces): AsyncIterable<Buffer | string> & { start(): Promise<void> } {
  const iterator = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]()
  const first: IteratorResult<Buffer | string>[] = []
  // Two: what comes before the first record is no proof that it can be read.
  const start = async (): Promise<void> => {
    while (first.length < 2 && first.at(-1)?.done !== true) first.push(await iterator.next())
  }
  const all = async function* (): AsyncGenerator<Buffer | string> {
    try {
      for (let next = first.shift() ?? await iterator.next(); next.done !== true; next = first.shift() ?? await iterator.next()) yield next.value
    } finally {
      await iterator.return?.()
    }
  }
  return { start, [Symbol.asyncIterator]: all }
}

function refuseItself(recording: string, output: string): void {
  if (lookAt(output) === undefined) return
  if (realpathSync(output) === realpathSync(recording)) throw new WiretapeError('usage', `-o ${output} is the recording itself: choose another name`)
}
