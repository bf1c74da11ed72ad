import type { Readable } from 'node:stream'
import { colour as pc } from './colour.js'
import { contentCodings, decodeContent } from '../protocols/content/coding.js'
import { isJson, readText } from '../protocols/content/text.js'
import { printableText } from './escape.js'
import { indentJson } from './indent-json.js'
import { hexDump } from './hex-dump.js'
import { formatBytes } from './units.js'

/** More of a text than this is for a file, not for reading. */
const textLimit = 256 * 1024
const binaryLimit = 512

export interface BodyFacts {
  readonly size: number
  readonly type: string | null
  readonly coding: string | null
  /** The command that gives the whole body. */
  readonly whole: string
}

/** A body as people read it: content coding undone, JSON indented, text by its charset, anything else as a hex dump. */
export async function* bodyView(body: Readable, facts: BodyFacts): AsyncGenerator<string> {
  if (facts.size === 0) return
  const codings = contentCodings(facts.coding)
  const { bytes, more, error } = await decodeContent(body, codings ?? [], textLimit)
  if (codings === null) yield pc.dim(`[content coding ${printableText(facts.coding ?? '')} is not one that can be undone: as it came]`)
  // The command gives the body as it came, whose size has nothing to do with what is shown here.
  const whole = `the whole${codings === null || codings.length === 0 ? '' : `, still ${printableText(facts.coding ?? '')}`}, ${formatBytes(facts.size)}: ${facts.whole}`
  const text = readText(bytes, facts.type, more)
  if (text !== null) {
    const indented = !more && isJson(facts.type, text.text) ? indentJson(text.text) : null
    const shown = indented !== null && indented.length <= 4 * textLimit ? indented : text.text
    yield printableText(shown).replace(/\n$/, '')
    if (more) yield pc.dim(`[cut after ${formatBytes(textLimit)}; ${whole}]`)
  } else {
    yield* hexDump(bytes.subarray(0, binaryLimit))
    const size = more ? `more than ${formatBytes(textLimit)}` : formatBytes(bytes.length)
    yield pc.dim(bytes.length > binaryLimit
      ? `[binary, ${size}, cut after ${binaryLimit} bytes; ${whole}]` : `[binary, ${size}]`)
  }
  if (error !== null) yield pc.yellow(`[decoding ${printableText(facts.coding ?? '')} stopped: ${printableText(error)}]`)
}
