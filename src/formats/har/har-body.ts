import { encodeText, charsetNamed } from '../../protocols/content/charset.js'
import { formText } from './form-text.js'

/** A body as far as a HAR has it. */
export interface HarBody {
  /** From its beginning on. */
  readonly bytes: Buffer
  /** Bytes after those that the HAR tells of and doesn't have. */
  readonly missing: number
  /** Why nothing of it is known, in words: `bytes` are empty then. Null where it is known. */
  readonly unknown: string | null
  /** What isn't as it was on the wire, in words. */
  readonly rewritten: readonly string[]
  /** It is written as UTF-8, whatever its type says. */
  readonly isRelabelled: boolean
}

type Json = Readonly<Record<string, unknown>>

/** A body that is said to be larger isn't one: offsets behind it couldn't be told apart any more. */
const largestSize = 2 ** 50

const byteOrderMark = '\ufeff'

/** What decoders put where bytes are no text. */
const replacement = '\ufffd'

/** @param headers by their names in lower case. */
export function readResponseBody(content: Json, headers: ReadonlyMap<string, string>): HarBody {
  const { text, encoding, mimeType, _charset: charset } = content
  const size = sizeOf(content['size'])
  // mitmproxy and Firefox tell the size on the wire, and have the decoded text.
  if (typeof text === 'string') return textBody(text, encoding, isCoded(headers) && text !== '' ? null : size, charsetOf(charset, mimeType, headers.get('content-type')), 'response')
  return size === null ? unknownBody('neither the response\'s body nor its size is in the HAR: it is imported as empty') : { ...known(Buffer.alloc(0)), missing: size }
}

/** @param headers by their names in lower case. */
export function readRequestBody(data: Json, bodySize: unknown, headers: ReadonlyMap<string, string>): HarBody {
  const { text, mimeType, _charset: charset } = data
  const type = typeof mimeType === 'string' && mimeType !== '' ? mimeType : headers.get('content-type') ?? ''
  const told = headers.get('content-length')?.trim() ?? ''
  const size = (/^\d{1,15}$/.test(told) ? sizeOf(Number(told)) : null) ?? sizeOf(bodySize)
  const params = Array.isArray(data['params']) ? data['params'].length : 0
  if (params > 0 && (typeof text !== 'string' || text === '') && /^application\/x-www-form-urlencoded\b/i.test(type)) {
    return { ...known(Buffer.from(formText(data['params'] as unknown[], size))), rewritten: ['the request\'s form is written anew from its parameters'] }
  }
  // HAR has no word for it in a request: `_encoding` is ours.
  if (typeof text === 'string' && (text !== '' || size !== null || params === 0)) {
    // Of a coded body, the size is that of the wire, and the text may be either.
    const body = textBody(text, data['encoding'] ?? data['_encoding'], isCoded(headers) && text !== '' ? null : size, charsetOf(charset, mimeType, type), 'request')
    // So Chrome has a form with a file in it.
    const isSpoilt = text.includes(replacement) && size !== null && size !== body.bytes.length && !isCoded(headers)
    return isSpoilt ? unknownBody(`the HAR has the request's body as text in which bytes are replaced: by its size it isn't what was sent, and is imported as empty`) : body
  }
  if (size !== null && size > 0) return { ...known(Buffer.alloc(0)), missing: size }
  const isTold = params > 0 || (typeof mimeType === 'string' && mimeType !== '') || headers.has('transfer-encoding')
  return told === '' && isTold ? unknownBody('the HAR tells of a request\'s body, and has neither it nor its size: it is imported as empty') : known(Buffer.alloc(0))
}

function textBody(text: string, encoding: unknown, size: number | null, charset: string | null, side: string): HarBody {
  const coding = typeof encoding === 'string' ? encoding.trim().toLowerCase() : ''
  if (coding === 'base64') {
    const compact = text.replaceAll(/\s+/g, '')
    if (!/^[\w+/-]*={0,2}$/.test(compact) || compact.replace(/=+$/, '').length % 4 === 1) return unknownBody(`the ${side}'s body is said to be base64, and isn't: it is imported as empty`)
    return cutAt(known(Buffer.from(compact, 'base64')), size)
  }
  if (coding !== '' && charsetNamed(coding) !== 'utf-8') return unknownBody(`the ${side}'s body is in the HAR in the encoding ${coding.slice(0, 40)}, which isn't known: it is imported as empty`)
  return cutAt(writtenText(text, size, charset, side), size)
}

/**
 * A HAR has text, not the bytes that it was: they are those of its charset, or, where that isn't told, of UTF-8. The size may say otherwise: mitmproxy writes
 * what it can't read as a character for each byte.
 */
function writtenText(text: string, size: number | null, charset: string | null, side: string): HarBody {
  const utf8 = Buffer.from(text)
  const encoded = charset === null ? null : encodeText(text, charset)
  if (encoded?.equals(utf8) === true || (encoded === null && charset === null)) {
    if (size !== utf8.length && size === text.length && isLatin1(text)) return known(Buffer.from(text, 'latin1'))
    return size === utf8.length + 3 && !text.startsWith(byteOrderMark) ? marked(utf8, size, 'utf-8', side) : known(utf8)
  }
  if (encoded !== null && (encoded.length === size || utf8.length !== size)) {
    const isMarked = charset!.startsWith('utf-16') && encoded.length + 2 === size && !text.startsWith(byteOrderMark)
    return isMarked ? marked(encodeText(byteOrderMark + text, charset!)!, null, charset!, side) : known(encoded)
  }
  if (encoded === null && size !== utf8.length && size === text.length && isLatin1(text)) return known(Buffer.from(text, 'latin1'))
  return { ...known(utf8), isRelabelled: true, rewritten: [`the ${side}'s text can't be written in ${charset!.slice(0, 40)} again: it is written as UTF-8`] }
}

/** Who decodes text drops its mark of byte order, and the size is what it was with it. */
function marked(bytes: Buffer, size: number | null, charset: string, side: string): HarBody {
  const whole = size === null ? bytes : Buffer.concat([Buffer.from(byteOrderMark), bytes])
  return { ...known(whole), rewritten: [`by its size, the ${side}'s text had a mark of byte order, which the HAR doesn't have: it has that of ${charset} again`] }
}

function cutAt(body: HarBody, size: number | null): HarBody {
  return { ...body, missing: Math.max(0, (size ?? 0) - body.bytes.length) }
}

function known(bytes: Buffer): HarBody {
  return { bytes, missing: 0, unknown: null, rewritten: [], isRelabelled: false }
}

function unknownBody(why: string): HarBody {
  return { ...known(Buffer.alloc(0)), unknown: why }
}

function isCoded(headers: ReadonlyMap<string, string>): boolean {
  return !/^(?:identity)?$/i.test(headers.get('content-encoding')?.trim() ?? '')
}

function isLatin1(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /^[\u0000-\u00ff]*$/.test(text)
}

/** The first of these that names one. */
function charsetOf(own: unknown, ...types: unknown[]): string | null {
  if (typeof own === 'string' && own !== '') return own.toLowerCase()
  for (const type of types) {
    const [, charset] = typeof type === 'string' ? /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(type) ?? [] : []
    if (charset !== undefined) return charset.toLowerCase()
  }
  return null
}

function sizeOf(size: unknown): number | null {
  return typeof size === 'number' && Number.isInteger(size) && size >= 0 && size <= largestSize ? size : null
}
