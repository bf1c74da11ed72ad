import { Writable } from 'node:stream'
import { exportRecording } from 'wiretape'
import type { ExportOptions } from 'wiretape'

/** What an export writes. */
export async function exported(path: string, options: Omit<ExportOptions, 'output'>): Promise<Buffer> {
  const pieces: Buffer[] = []
  const output = new Writable({
    write: (piece: Buffer, _encoding, done) => {
      pieces.push(piece)
      done()
    },
  })
  await exportRecording(path, { ...options, output })
  return Buffer.concat(pieces)
}

export interface HarEntry {
  readonly startedDateTime: string
  readonly request: {
    readonly method: string, readonly url: string, readonly httpVersion: string, readonly headers: readonly NameValue[], readonly cookies: readonly NameValue[]
    readonly queryString: readonly NameValue[], readonly headersSize: number, readonly bodySize: number
    readonly postData?: { readonly mimeType: string, readonly text: string, readonly params?: readonly NameValue[], readonly _encoding?: string }
  }
  readonly response: {
    readonly status: number, readonly statusText: string, readonly headers: readonly NameValue[], readonly cookies: readonly NameValue[]
    readonly redirectURL: string, readonly headersSize: number, readonly bodySize: number
    readonly content: { readonly size: number, readonly compression?: number, readonly mimeType: string, readonly text?: string, readonly encoding?: string, readonly _undecoded?: string, readonly _charset?: string }
  }
  readonly timings: Readonly<Record<string, number>>
  readonly serverIPAddress?: string
  readonly connection: string
  readonly _id: number
  readonly _changed: boolean
  readonly _error?: string
  readonly _events?: readonly { readonly source: string }[]
  readonly _framing_flags?: readonly string[]
}

interface NameValue { readonly name: string, readonly value: string }

export interface Har { readonly log: { readonly entries: readonly HarEntry[] } }

export async function exportedHar(path: string, where?: string): Promise<Har> {
  return JSON.parse((await exported(path, { format: 'har', ...(where === undefined ? {} : { where }) })).toString('utf8')) as Har
}

/** The bytes of a body as HAR holds it. */
export function contentOf({ text = '', encoding }: HarEntry['response']['content']): Buffer {
  return Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8')
}
