import { pipeline } from 'node:stream/promises'
import { Transform, type Readable } from 'node:stream'
import { WiretapeError } from '../error.js'
import { namedRecord } from '../recording/named-record.js'
import { openRecording, type Recording, type Side } from '../recording/recording.js'
import { printableJson, printableText } from './escape.js'
import { connectionView } from './connection-view.js'
import { udpRecord } from './dns-view.js'
import { exchangeView } from './exchange-view.js'
import { failOnMissing } from './missing.js'
import { ftpRecord } from './ftp/ftp-record.js'

export interface ShowArguments {
  /** `[FILE] ID`. */
  readonly words: readonly string[]
  readonly body: Side | undefined
  readonly raw: boolean
  /** What went out instead of what came. */
  readonly sent: boolean
  readonly json: boolean
}

export async function show({ words, body, raw, sent, json }: ShowArguments): Promise<void> {
  if (words.length > 2) throw new WiretapeError('usage', 'show takes [FILE] ID: at most two words')
  const [file, word] = words.length > 1 ? [words[0], words[1]!] : [undefined, words[0]!]
  if (!/^\d{1,15}$/.test(word)) {
    throw new WiretapeError('usage', `ID ${printableText(word)}: expected a record's number, as wiretape ls prints it`)
  }
  if (sent && body === undefined && !raw) throw new WiretapeError('usage', '--sent needs --body or --raw: without them show prints both versions')
  if (json && (body !== undefined || raw)) throw new WiretapeError('usage', `--json and ${raw ? '--raw' : '--body'} exclude each other: facts as JSON, or exact bytes`)
  const id = Number(word)
  using recording = openRecording(file)
  const record = namedRecord(recording, id)
  const { kind } = record
  const decoded = ftpRecord(recording, record) ?? udpRecord(recording, record)
  if (body !== undefined || raw) {
    const leg = sent ? 'sent' : 'received'
    for (const stream of decoded?.bytes(body, raw, leg) ?? bytesOf(recording, id, kind, body, raw, leg)) await toStdout(stream)
    failOnMissing(id, recording.missing(id, body))
    return
  }
  if (json) {
    console.log(printableJson(decoded !== null ? decoded.json() : kind === 'exchange' ? recording.exchange(id) : recording.connection(id)))
    return
  }
  const lines = decoded !== null ? decoded.lines() : kind === 'exchange' ? exchangeView(recording, id) : connectionView(recording, id)
  for await (const line of lines) console.log(line)
}

function bytesOf(recording: Recording, id: number, kind: string, body: Side | undefined, raw: boolean, leg: 'received' | 'sent'): Readable[] {
  if (kind !== 'exchange') {
    const directions = body === undefined ? ['up', 'down'] as const : body === 'request' ? ['up'] as const : ['down'] as const
    return directions.map((direction) => recording.stream(id, direction, leg))
  }
  if (!raw) return [recording.body(id, body!, leg)]
  return (body === undefined ? ['request', 'response'] as const : [body]).map((side) => recording.message(id, side, leg))
}

/** Exact bytes, but not to a terminal: there, what it would act on is spelt out. */
async function toStdout(stream: Readable): Promise<void> {
  if (process.stdout.isTTY) {
    for await (const chunk of stream) process.stdout.write(printableText((chunk as Buffer).toString('utf8')))
    process.stdout.write('\n')
    return
  }
  // stdout must not be ended: a second stream may follow.
  const passOn = new Transform({ transform: (chunk, _encoding, done) => process.stdout.write(chunk as Buffer, () => done()) })
  await pipeline(stream, passOn.resume())
}
