import { Readable, type Transform } from 'node:stream'
import { constants, createBrotliCompress, createBrotliDecompress, createDeflate, createGzip, createInflate, createInflateRaw } from 'node:zlib'
import { type Headers, headerValues } from '../http1/headers.js'
import { gunzip } from './gunzip.js'

export interface Decoded {
  readonly bytes: Buffer
  /** The content goes on beyond the limit. */
  readonly more: boolean
  /** Why the rest could not be decoded: a damaged or cut stream. What came before it is in `bytes`. */
  readonly error: string | null
}

/** What a message's fields say of its content codings: several lines are one list (RFC 9110 §5.3). Null where they say nothing. */
export function contentEncoding(fields: Headers): string | null {
  const values = headerValues(fields, 'content-encoding')
  return values.length === 0 ? null : values.join(', ')
}

/** The content codings (RFC 9110 §8.4.1) that can be undone, in the order in which they have to be; null names one that can't. */
export function contentCodings(value: string | null): readonly string[] | null {
  const codings = (value ?? '').split(',').map((coding) => coding.trim().toLowerCase()).filter((coding) => coding !== '' && coding !== 'identity')
  return codings.every((coding) => Object.hasOwn(decoders, coding)) ? codings.reverse() : null
}

type Chunks = AsyncIterable<Buffer>

const decoders: Readonly<Record<string, (body: Chunks) => Chunks>> = {
  'gzip': gunzip,
  'x-gzip': gunzip,
  'br': (body) => through(body, createBrotliDecompress()),
  'deflate': (body) => inflate(body),
}

/**
 * Undoes content codings until `limit` bytes are out; a small body can hold gigabytes, so it never makes more.
 * @param codings from `contentCodings`.
 */
export async function decodeContent(body: Chunks, codings: readonly string[], limit: number): Promise<Decoded> {
  const pieces: Buffer[] = []
  let size = 0
  let error: string | null = null
  try {
    for await (const piece of decodePieces(body, codings)) {
      pieces.push(piece)
      size += piece.length
      if (size > limit) break
    }
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown)
  }
  return { bytes: Buffer.concat(pieces).subarray(0, limit), more: size > limit, error }
}

const encoders: Readonly<Record<string, () => Transform>> = {
  'gzip': createGzip,
  'x-gzip': createGzip,
  // The default of 11 is for files that are packed once: here somebody waits.
  'br': () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  'deflate': createDeflate,
}

/** Undoes content codings piece by piece. @param codings from `contentCodings`. */
export function decodePieces(body: Chunks, codings: readonly string[]): Chunks {
  return codings.reduce((chunks, coding) => decoders[coding]!(chunks), body)
}

/** Does content codings again. @param codings from `contentCodings`: in the order in which they are undone. */
export function encodePieces(body: Chunks, codings: readonly string[]): Chunks {
  return codings.toReversed().reduce((chunks, coding) => through(chunks, encoders[coding]!()), body)
}

async function* through(body: Chunks, decoder: Transform): Chunks {
  // Whoever stops reading early destroys both streams, which then have nobody left to report to.
  const source = Readable.from(body).on('error', (error) => decoder.destroy(error))
  try {
    yield* source.pipe(decoder)
  } finally {
    source.destroy()
    decoder.on('error', () => {}).destroy()
  }
}

/** "deflate" is zlib's format (RFC 9110 §8.4.1.2), but some servers send the bare stream: the first byte tells which. */
async function* inflate(body: Chunks): Chunks {
  const source = body[Symbol.asyncIterator]()
  const first = await source.next()
  if (first.done === true) return
  const zlib = (first.value[0]! & 0x0f) === 8
  const whole = async function* (): Chunks {
    yield first.value
    yield* { [Symbol.asyncIterator]: () => source }
  }
  yield* through(whole(), zlib ? createInflate() : createInflateRaw())
}
