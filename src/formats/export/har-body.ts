import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { encodeText } from '../../protocols/content/charset.js'
import { contentCodings, decodePieces } from '../../protocols/content/coding.js'
import { readText } from '../../protocols/content/text.js'
import type { RecordedPiece } from '../../recording/legs.js'

/** A body as HAR holds it. */
export interface HarBody {
  /** Bytes, as they came. */
  readonly wireSize: number
  /** Bytes, with the content coding undone. */
  readonly size: number
  readonly base64: boolean
  /** Where the text isn't the body's UTF-8, but read by another charset. */
  readonly charset: string | null
  /** The content coding that could not be undone, or why it stopped. */
  readonly undecoded: string | null
  /** Whole, or in pieces of the inside of a JSON string: for bodies that are not to be held in memory. */
  readonly text: string | (() => AsyncIterable<string>)
}

/** A body of more bytes than this, as it came or decoded, is read twice, piece by piece: once to learn what it is, once to write it. */
const heldSize = 4 * 1024 * 1024

/**
 * @param pieces gives the body anew each time. @param coding of Content-Encoding; null leaves the body as it came.
 * @param size bytes that it has, as far as is known.
 */
export async function harBody(pieces: () => Iterable<RecordedPiece>, size: number | null, type: string | null, coding: string | null): Promise<HarBody> {
  const codings = contentCodings(coding)
  const undecoded = codings === null ? `content coding ${coding}` : null
  if (size !== null && size <= heldSize) {
    const bytes = Buffer.concat([...pieces()].map((piece) => piece.bytes))
    const decoded = decodeAtOnce(bytes, codings ?? [])
    if (decoded !== null) return { wireSize: bytes.length, size: decoded.length, undecoded, ...heldText(decoded, type) }
  }
  return await longBody(pieces, codings ?? [], undecoded)
}

/** Null where it is to be done piece by piece: too large, damaged, or a coding that takes a look at it first. */
function decodeAtOnce(bytes: Buffer, codings: readonly string[]): Buffer | null {
  if (codings.length === 0 || bytes.length === 0) return bytes
  if (codings.length > 1) return null
  const limit = { maxOutputLength: heldSize }
  try {
    if (codings[0] === 'gzip' || codings[0] === 'x-gzip') return gunzipSync(bytes, limit)
    return codings[0] === 'br' ? brotliDecompressSync(bytes, limit) : null
  } catch {
    return null
  }
}

function heldText(bytes: Buffer, type: string | null): Pick<HarBody, 'base64' | 'charset' | 'text'> {
  const text = readText(bytes, type, false)
  if (text === null) return { base64: true, charset: null, text: bytes.toString('base64') }
  const isUtf8 = text.charset === 'utf-8' || text.charset === 'utf8'
  // A mark of byte order is part of it.
  const exact = isUtf8 ? bytes.toString('utf8') : text.text
  const charset = isUtf8 ? null : text.charset
  // What would come back as other bytes is told as bytes.
  const back = charset === null ? Buffer.from(exact) : encodeText(exact, charset)
  return back?.equals(bytes) === true ? { base64: false, charset, text: exact } : { base64: true, charset: null, text: bytes.toString('base64') }
}

async function longBody(pieces: () => Iterable<RecordedPiece>, codings: readonly string[], undecoded: string | null): Promise<HarBody> {
  let wireSize = 0
  let size = 0
  let isText = true
  let error: string | null = null
  const counted = async function* (): AsyncGenerator<Buffer> {
    for (const { bytes } of pieces()) {
      wireSize += bytes.length
      yield bytes
    }
  }
  const reading = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  try {
    for await (const piece of decodePieces(counted(), codings)) {
      size += piece.length
      isText &&= isUtf8(reading, piece)
    }
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown)
  }
  isText &&= isUtf8(reading, null)
  // Where decoding stopped, the rest wasn't counted.
  if (error !== null) {
    wireSize = 0
    for (const { bytes } of pieces()) wireSize += bytes.length
  }
  const decoded = (): AsyncIterable<Buffer> => upTo(decodePieces(bytesOf(pieces()), codings), size)
  return {
    wireSize, size, base64: !isText, charset: null, undecoded: error === null ? undecoded : `decoding stopped: ${error}`,
    text: size === 0 ? '' : isText ? () => jsonText(decoded()) : () => base64Text(decoded()),
  }
}

/** @param piece null at the end. */
function isUtf8(decoder: InstanceType<typeof TextDecoder>, piece: Buffer | null): boolean {
  try {
    return !(piece === null ? decoder.decode() : decoder.decode(piece, { stream: true })).includes('\0')
  } catch {
    return false
  }
}

async function* bytesOf(pieces: Iterable<RecordedPiece>): AsyncGenerator<Buffer> {
  for (const { bytes } of pieces) yield bytes
}

/** As much as the first reading gave: what failed then, and was told, fails here too. */
async function* upTo(pieces: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let left = size
  try {
    for await (const piece of pieces) {
      const taken = piece.subarray(0, left)
      left -= taken.length
      yield taken
    }
  } catch {
    return
  }
}

async function* jsonText(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  for await (const piece of pieces) yield JSON.stringify(decoder.decode(piece, { stream: true })).slice(1, -1)
  yield JSON.stringify(decoder.decode()).slice(1, -1)
}

async function* base64Text(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const piece of pieces) {
    const bytes = Buffer.concat([rest, piece])
    const whole = bytes.length - bytes.length % 3
    rest = bytes.subarray(whole)
    yield bytes.toString('base64', 0, whole)
  }
  yield rest.toString('base64')
}
