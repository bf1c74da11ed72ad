/*
 * JSON as Go's encoding/json reads it, from the bytes: clients of the Toxiproxy API see its messages, and its tolerance (text after the first value,
 * bytes that aren't UTF-8) is relied on. JSON.parse has neither, rounds large integers, and gives objects whose keys may be `__proto__`.
 */

/** A number keeps its text: `1`, `1.0` and `1e0` differ to a reader that wants an integer. */
export interface JsonNumber { readonly number: string }

/** Keys in their order, repeated ones too. */
export interface JsonObject { readonly fields: readonly (readonly [key: string, value: Json])[] }

export type Json = null | boolean | string | JsonNumber | JsonObject | readonly Json[]

/** It isn't JSON, or isn't what it is to be: in Go's words. */
export class UnreadableJson extends Error {}

/** Go allows 10,000; nobody means more than a handful. */
const deepest = 1000

/** The first value of a text. @throws UnreadableJson. */
export function parseJson(bytes: Uint8Array): Json {
  return new Reader(bytes).value(0)
}

const literals: readonly (readonly [string, null | boolean])[] = [['null', null], ['true', true], ['false', false]]

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  value(depth: number): Json {
    const first = this.#skipSpace(depth === 0)
    if (first === 0x7b || first === 0x5b) {
      if (depth === deepest) throw new UnreadableJson('exceeded max depth')
      this.#at++
      return first === 0x7b ? this.#object(depth + 1) : this.#array(depth + 1)
    }
    if (first === 0x22) return this.#string()
    if (first === 0x2d || isDigit(first)) return this.#number()
    for (const [word, value] of literals) if (word.charCodeAt(0) === first) return this.#literal(word, value)
    throw this.#invalid('looking for beginning of value')
  }

  #object(depth: number): JsonObject {
    const fields: [string, Json][] = []
    if (this.#skipSpace() === 0x7d) {
      this.#at++
      return { fields }
    }
    for (;;) {
      if (this.#skipSpace() !== 0x22) throw this.#invalid('looking for beginning of object key string')
      const key = this.#string()
      if (this.#skipSpace() !== 0x3a) throw this.#invalid('after object key')
      this.#at++
      fields.push([key, this.value(depth)])
      const next = this.#skipSpace()
      if (next !== 0x2c && next !== 0x7d) throw this.#invalid('after object key:value pair')
      this.#at++
      if (next === 0x7d) return { fields }
    }
  }

  #array(depth: number): Json[] {
    const items: Json[] = []
    if (this.#skipSpace() === 0x5d) {
      this.#at++
      return items
    }
    for (;;) {
      items.push(this.value(depth))
      const next = this.#skipSpace()
      if (next !== 0x2c && next !== 0x5d) throw this.#invalid('after array element')
      this.#at++
      if (next === 0x5d) return items
    }
  }

  #string(): string {
    const start = this.#at++
    for (;;) {
      const byte = this.#peek()
      if (byte === 0x22) break
      if (byte < 0x20) throw this.#invalid('in string literal')
      this.#at++
      if (byte !== 0x5c) continue
      const escaped = this.#peek()
      if (!'"\\/bfnrtu'.includes(String.fromCharCode(escaped))) throw this.#invalid('in string escape code')
      this.#at++
      if (escaped !== 0x75) continue
      for (let digit = 0; digit < 4; digit++, this.#at++) {
        if (!/[0-9a-f]/i.test(String.fromCharCode(this.#peek()))) throw this.#invalid('in \\u hexadecimal character escape')
      }
    }
    this.#at++
    // Halves of surrogate pairs aren't text: through bytes and back, they become replacement characters, as in Go.
    return Buffer.from(JSON.parse(this.#bytes.toString('utf8', start, this.#at)) as string).toString()
  }

  #number(): JsonNumber {
    const start = this.#at
    if (this.#bytes[this.#at] === 0x2d) this.#at++
    if (this.#peek() === 0x30) this.#at++
    else this.#digits('in numeric literal')
    if (this.#bytes[this.#at] === 0x2e) {
      this.#at++
      this.#digits('after decimal point in numeric literal')
    }
    if (((this.#bytes[this.#at] ?? 0) | 0x20) === 0x65) {
      this.#at++
      if (this.#bytes[this.#at] === 0x2b || this.#bytes[this.#at] === 0x2d) this.#at++
      this.#digits('in exponent of numeric literal')
    }
    return { number: this.#bytes.toString('latin1', start, this.#at) }
  }

  #digits(where: string): void {
    if (!isDigit(this.#peek())) throw this.#invalid(where)
    while (isDigit(this.#bytes[this.#at] ?? 0)) this.#at++
  }

  #literal<T>(word: string, value: T): T {
    for (const letter of word) {
      if (this.#peek() !== letter.charCodeAt(0)) throw this.#invalid(`in literal ${word} (expecting '${letter}')`)
      this.#at++
    }
    return value
  }

  /** @returns the next byte that isn't space. */
  #skipSpace(beforeAll = false): number {
    while ([0x20, 0x09, 0x0a, 0x0d].includes(this.#bytes[this.#at] ?? 0)) this.#at++
    if (beforeAll && this.#at >= this.#bytes.length) throw new UnreadableJson('EOF')
    return this.#peek()
  }

  #peek(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new UnreadableJson('unexpected EOF')
    return byte
  }

  #invalid(where: string): UnreadableJson {
    return new UnreadableJson(`invalid character ${quoteByte(this.#bytes[this.#at]!)} ${where}`)
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

/** As Go quotes it, byte for character. */
function quoteByte(byte: number): string {
  const known: Record<number, string> = { 0x27: `'\\''`, 0x22: `'"'`, 0x5c: `'\\\\'`, 7: `'\\a'`, 8: `'\\b'`, 9: `'\\t'`, 10: `'\\n'`, 11: `'\\v'`, 12: `'\\f'`, 13: `'\\r'` }
  if (known[byte] !== undefined) return known[byte]
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, '0')}'`
  return (byte >= 0x80 && byte <= 0xa0) || byte === 0xad ? `'\\u${byte.toString(16).padStart(4, '0')}'` : `'${String.fromCharCode(byte)}'`
}

/** A value as Go writes it: safe inside HTML, and without halves of surrogate pairs. */
export function writeJson(value: string | number | boolean): string {
  const text = typeof value === 'string' ? Buffer.from(value).toString() : value
  return JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
