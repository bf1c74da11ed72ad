import { definePlugin } from 'wiretape'
import type { RecordingMask } from 'wiretape'

/** Longest match of a pattern of one's own. */
const longestMatch = 2048

export default definePlugin({
  name: 'redact',
  description: 'Keeps secrets out of the recording: asterisks stand in their place, and the wire is left alone. Compressed bodies are not searched.',
  options: {
    headers: { type: 'list', default: ['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key', 'x-auth-token'], description: 'HTTP headers whose values are secret.' },
    fields: { type: 'list', default: ['password', 'passwd', 'secret', 'token', 'access_token', 'refresh_token', 'id_token', 'api_key', 'apikey', 'client_secret'], description: 'Fields of JSON and of forms whose values are secret.' },
    patterns: { type: 'list', whole: true, default: [], description: `Regular expressions of what is secret, within a line and up to ${longestMatch} bytes long.` },
  },
  setup({ options: { headers, fields, patterns } }) {
    const names = { headers: headers.map((name) => name.toLowerCase()), fields: fields.map((name) => name.toLowerCase()) }
    const expressions = patterns.map((pattern) => new RegExp(pattern, 'g'))
    return {
      recording() {
        const named = new NamedValues(names)
        if (expressions.length === 0) return named
        const matched = new Matches(expressions)
        return { take: (bytes) => matched.take(named.take(bytes)), end: () => Buffer.concat([matched.take(named.end()), matched.end()]) }
      },
    }
  },
})

interface Names {
  readonly headers: readonly string[]
  readonly fields: readonly string[]
}

/** Where the reading of a value is: before its colon, before its first byte, or in it, up to `until`. */
type Place =
  | { readonly is: 'before-colon' }
  | { readonly is: 'before-value', readonly of: 'header' | 'json' }
  | { readonly is: 'value', readonly until: RegExp, readonly quoted: boolean }

const headerEnd = /[\r\n]/
const formEnd = /[\s&]/
const bareEnd = /[\s,}\]]/
const quote = /"/

/**
 * Values that have a name before them: a header's, a field's in JSON or in a form. Of what was read, no more is kept back than what may be
 * the beginning of a name; else the end of a message would wait for the next one.
 */
class NamedValues implements RecordingMask {
  readonly #names: Names
  readonly #lead: RegExp
  #held: Buffer = Buffer.alloc(0)
  /** The byte before what is held: a name begins after a line end, a quotation mark, a "?" and the like. */
  #before = '\n'
  #place: Place | null = null
  #escaped = false

  constructor(names: Names) {
    this.#names = names
    const any = (words: readonly string[]): string => words.length === 0 ? '(?!)' : words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
    this.#lead = new RegExp(`(?<=\\n)(?:${any(names.headers)})[ \\t]{0,8}(?<header>:)|(?<=")(?:${any(names.fields)})(?<json>")|(?<=[\\s?&])(?:${any(names.fields)})=`, 'gi')
  }

  take(bytes: Buffer): Buffer {
    return this.#read(bytes, false)
  }

  end(): Buffer {
    return this.#read(Buffer.alloc(0), true)
  }

  #read(bytes: Buffer, last: boolean): Buffer {
    const held = Buffer.concat([this.#held, bytes])
    // Latin-1: a character for each byte, and one before them.
    const text = this.#before + held.toString('latin1')
    let at = 1
    while (at < text.length) {
      if (this.#place !== null) {
        at = this.#readValue(text, at, held)
        continue
      }
      this.#lead.lastIndex = at
      const lead = this.#lead.exec(text)
      if (lead === null) break
      at = lead.index + lead[0].length
      this.#place = lead.groups?.['header'] !== undefined ? { is: 'before-value', of: 'header' }
        : lead.groups?.['json'] !== undefined ? { is: 'before-colon' } : { is: 'value', until: formEnd, quoted: false }
    }
    const released = last || this.#place !== null ? text.length : this.#openName(text, at)
    this.#held = held.subarray(released - 1)
    if (released > 1) this.#before = text[released - 1]!
    return held.subarray(0, released - 1)
  }

  /** One step on. @returns where it goes on. */
  #readValue(text: string, at: number, held: Buffer): number {
    const place = this.#place!
    const character = text[at]!
    if (place.is === 'value') {
      if (this.#escaped) this.#escaped = false
      else if (place.quoted && character === '\\') this.#escaped = true
      else if (place.until.test(character)) {
        this.#place = null
        return at
      }
      held[at - 1] = 0x2a
      return at + 1
    }
    if (place.is === 'before-colon') {
      if (character === ':') this.#place = { is: 'before-value', of: 'json' }
      else if (!/\s/.test(character)) this.#place = null
      return this.#place === null ? at : at + 1
    }
    if (place.of === 'header' ? character === ' ' || character === '\t' : /\s/.test(character)) return at + 1
    const quoted = place.of === 'json' && character === '"'
    this.#place = { is: 'value', quoted, until: place.of === 'header' ? headerEnd : quoted ? quote : bareEnd }
    return quoted ? at + 1 : at
  }

  /** @returns where a name may have begun that isn't complete yet; the end where none has. */
  #openName(text: string, from: number): number {
    const { headers, fields } = this.#names
    const longest = Math.max(0, ...headers.map(({ length }) => length + 8), ...fields.map(({ length }) => length))
    for (let at = Math.max(from, text.length - longest); at < text.length; at++) {
      const before = text[at - 1]!
      const rest = text.slice(at).toLowerCase()
      if (before === '\n' && headers.some((name) => name.startsWith(rest) || (rest.startsWith(name) && /^[ \t]*$/.test(rest.slice(name.length))))) return at
      if (/[\s"?&]/.test(before) && fields.some((name) => name.startsWith(rest))) return at
    }
    return text.length
  }
}

/** What patterns match. A line is kept back until it ends, or is longer than a match can be. */
class Matches implements RecordingMask {
  readonly #patterns: readonly RegExp[]
  #held: Buffer = Buffer.alloc(0)

  constructor(patterns: readonly RegExp[]) {
    this.#patterns = patterns
  }

  take(bytes: Buffer): Buffer {
    this.#held = Buffer.concat([this.#held, bytes])
    return this.#release(Math.max(this.#held.lastIndexOf(0x0a) + 1, this.#held.length - longestMatch))
  }

  end(): Buffer {
    return this.#release(this.#held.length)
  }

  #release(until: number): Buffer {
    const text = this.#held.toString('latin1')
    for (const pattern of this.#patterns) for (const match of text.matchAll(pattern)) this.#held.fill('*', match.index, match.index + match[0].length)
    const out = this.#held.subarray(0, until)
    this.#held = this.#held.subarray(until)
    return out
  }
}
