import { isJson, readText } from '../../protocols/content/text.js'
import { contentCodings, decodeContent, decodePieces } from '../../protocols/content/coding.js'
import { bounded } from './comparison.js'
import type { FoundDifference } from './comparison.js'
import { jsonDifferences } from './json-differences.js'
import { markJson } from './json-path.js'
import type { JsonPath } from './json-path.js'
import { readJson } from './json-text.js'
import { lineDifferences } from './line-differences.js'
import { compareStreams, streamDifference } from './stream-differences.js'

/** A body as it was recorded, with its chunked coding undone. */
export interface RecordedBody {
  readonly size: number
  readonly contentType: string | null
  readonly contentEncoding: string | null
  /** The pieces, from the first on; each call begins anew. */
  pieces(): Iterable<Buffer>
}

/** Bodies up to this size, with their content coding undone, are looked into; larger ones are compared byte for byte as they are read. */
const loadLimit = 8 * 1024 * 1024

/** How two bodies differ: JSON by its structure, text by its lines, anything else by its bytes. Content codings are undone first. */
export async function bodyDifferences(was: RecordedBody, now: RecordedBody, ignoredJson: readonly JsonPath[]): Promise<FoundDifference[]> {
  if (was.size === 0 && now.size === 0) return []
  const codings = [was, now].map(({ contentEncoding }) => contentCodings(contentEncoding))
  if (was.size <= loadLimit && now.size <= loadLimit) {
    const [a, b] = [Buffer.concat([...was.pieces()]), Buffer.concat([...now.pieces()])]
    if (was.contentEncoding === now.contentEncoding && a.equals(b)) return []
    const [first, second] = await Promise.all([decoded(a, codings[0]!), decoded(b, codings[1]!)])
    if (first !== null && second !== null) return loadedDifferences(was, first, now, second, ignoredJson)
  }
  const [a, b] = [was, now].map((body, index) => codings[index] === null || codings[index]!.length === 0 ? body.pieces() : decodePieces(chunks(body), codings[index]!))
  try {
    return streamDifference(await compareStreams(a!, b!), 'body ')
  } catch {
    // A coding that is damaged on either side: what came is compared as it came.
    return streamDifference(await compareStreams(was.pieces(), now.pieces()), 'body ')
  }
}

/** @returns null where it is too large, or damaged. */
async function decoded(bytes: Buffer, codings: readonly string[] | null): Promise<Buffer | null> {
  if (codings === null || codings.length === 0) return bytes
  const { bytes: content, more, error } = await decodeContent(once(bytes), codings, loadLimit)
  return more || error !== null ? null : content
}

async function loadedDifferences(was: RecordedBody, a: Buffer, now: RecordedBody, b: Buffer, ignoredJson: readonly JsonPath[]): Promise<FoundDifference[]> {
  if (a.equals(b)) return []
  const [textA, textB] = [readText(a, was.contentType, false), readText(b, now.contentType, false)]
  if (textA === null || textB === null) return streamDifference(await compareStreams([a], [b]), 'body ')
  if (isJson(was.contentType, textA.text) && isJson(now.contentType, textB.text)) {
    // What isn't a character of its charset reads as any other such: byte by byte they differ.
    const damaged = [textA, textB].some(({ text }) => text.includes('\ufffd'))
    const found = damaged ? byStructure(a.toString('latin1'), b.toString('latin1'), ignoredJson) : byStructure(textA.text, textB.text, ignoredJson)
    if (found !== null) return found
  }
  const found = bounded(lineDifferences(textA.text, textB.text), 'body')
  // The same characters in other bytes: another charset, a byte order mark.
  return found.length > 0 ? found : streamDifference(await compareStreams([a], [b]), 'body ')
}

/** @returns null where one of them is no JSON, or nested too deeply to be walked. */
function byStructure(was: string, now: string, ignored: readonly JsonPath[]): FoundDifference[] | null {
  try {
    const [a, b] = [was, now].map((text) => markJson(readJson(text), ignored))
    return bounded(jsonDifferences(a!, b!), 'body')
  } catch {
    return null
  }
}

async function* chunks(body: RecordedBody): AsyncGenerator<Buffer> {
  yield* body.pieces()
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}
