import { StringDecoder } from 'node:string_decoder'
import { Writable } from 'node:stream'
import { WiretapeError } from '../error.js'
import { exportRecording } from '../formats/export/export-recording.js'
import { exportFormats } from '../formats/export/formats.js'
import type { ExportFormat } from '../formats/export/formats.js'
import type { Side } from '../recording/recording.js'
import { printableJsonText } from './escape.js'
import { failOnMissing } from './missing.js'

export interface ExportArguments {
  readonly file: string | undefined
  readonly format: ExportFormat | undefined
  readonly where: string | undefined
  readonly output: string | undefined
  readonly overwrite: boolean
  readonly id: number | undefined
  readonly body: Side | undefined
  readonly sent: boolean
}

/** Bytes that a terminal would act on. */
const binaryFormats: readonly string[] = ['pcapng', 'raw']

export async function exportTo({ file, format, where, output, overwrite, id, body, sent }: ExportArguments): Promise<void> {
  if (format === undefined) throw new WiretapeError('usage', `name a --format: ${exportFormats.join(', ')}`)
  const toStdout = output === undefined || output === '-'
  if (toStdout && process.stdout.isTTY && binaryFormats.includes(format)) {
    throw new WiretapeError('usage', `--format ${format} is binary, and not for a terminal: name a file with -o, or pipe it on`)
  }
  const { missing } = await exportRecording(file, {
    format, output: toStdout ? process.stdout.isTTY ? terminal() : process.stdout : output, overwrite, sent,
    ...(where === undefined ? {} : { where }), ...(id === undefined ? {} : { id }), ...(body === undefined ? {} : { body }),
  })
  if (id !== undefined) failOnMissing(id, missing)
}

/** What a terminal would act on is spelt out as JSON does it. Commands have nothing of the kind: there, every odd byte is spelt out already. */
function terminal(): Writable {
  const decoder = new StringDecoder('utf8')
  return new Writable({ write: (chunk: Buffer, _encoding, done) => void process.stdout.write(printableJsonText(decoder.write(chunk)), done) })
}
