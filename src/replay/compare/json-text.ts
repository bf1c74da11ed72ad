/**
 * A JSON value with all that its text says: numbers by their digits, of which a double holds some 16, and members in their order, also those whose name
 * comes twice.
 */
export type JsonValue = null | boolean | string | JsonNumber | JsonObject | typeof leftOut | readonly JsonValue[]

/** In the place of what isn't compared: the others keep their indexes. */
export const leftOut = Symbol('left out')

export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** The same number, however it is written: `1.0`, `10e-1`. */
  equals({ text }: JsonNumber): boolean {
    return this.text === text || (Number(this.text) === Number(text) && exactly(this.text) === exactly(text))
  }
}

export class JsonObject {
  readonly members: readonly (readonly [name: string, value: JsonValue])[]

  constructor(members: JsonObject['members']) {
    this.members = members
  }

  /** Values by name, in the order in which the names come first. */
  get byName(): ReadonlyMap<string, readonly JsonValue[]> {
    const found = new Map<string, JsonValue[]>()
    for (const [name, value] of this.members) {
      const known = found.get(name)
      if (known === undefined) found.set(name, [value])
      else known.push(value)
    }
    return found
  }
}

/** Levels that are read, and so walked: far more than anyone writes, and far less than the stack has room for. */
const mostDeep = 1_000

/** @throws SyntaxError where it is no JSON, RangeError where it is nested more than 1,000 levels deep. */
export function readJson(text: string): JsonValue {
  // Whether it is JSON at all is known better by others; what follows needn't look for mistakes.
  JSON.parse(text)
  return new Reader(text).value()
}

/** As JSON in one line, as it was written but for space. */
export function writeJson(value: JsonValue): string {
  if (value === leftOut) return '…'
  if (value instanceof JsonNumber) return value.text
  if (value instanceof JsonObject) return `{${value.members.map(([name, child]) => `${JSON.stringify(name)}:${writeJson(child)}`).join(',')}}`
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(writeJson).join(',')}]`
  return JSON.stringify(value)
}

/** Digits without zeros around them, and the power of ten that they are multiplied by: one text for each number. */
function exactly(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = trimZeros(whole + fraction)
  if (digits.text === '') return '0'
  // An exponent of more digits than anyone could mean: big integers take long to read.
  const moved = digits.after - fraction.length
  const power = exponent.length > 30 ? `${exponent} and ${moved}` : String(BigInt(exponent) + BigInt(moved))
  return `${sign}${digits.text}e${power}`
}

/** By hand: an expression for zeros at the end would look at each zero anew. */
function trimZeros(digits: string): { readonly text: string, readonly after: number } {
  let [start, end] = [0, digits.length]
  while (start < end && digits[start] === '0') start++
  while (end > start && digits[end - 1] === '0') end--
  return { text: digits.slice(start, end), after: digits.length - end }
}

/** Goes through valid JSON. */
class Reader {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): JsonValue {
    switch (this.#next()) {
      case '{': return this.#object()
      case '[': return this.#array()
      case '"': return this.#string()
      case 't': return this.#word(true, 4)
      case 'f': return this.#word(false, 5)
      case 'n': return this.#word(null, 4)
      default: return this.#number()
    }
  }

  #object(): JsonObject {
    const members: [string, JsonValue][] = []
    this.#enter()
    while (this.#next() !== '}') {
      if (this.#next() === ',') {
        this.#at++
        this.#next()
      }
      const name = this.#string()
      this.#next()
      this.#at++
      members.push([name, this.value()])
    }
    this.#leave()
    return new JsonObject(members)
  }

  #array(): JsonValue[] {
    const items: JsonValue[] = []
    this.#enter()
    while (this.#next() !== ']') {
      if (this.#next() === ',') this.#at++
      items.push(this.value())
    }
    this.#leave()
    return items
  }

  #enter(): void {
    this.#at++
    if (++this.#depth > mostDeep) throw new RangeError(`nested more than ${mostDeep} levels deep`)
  }

  #leave(): void {
    this.#at++
    this.#depth--
  }

  #string(): string {
    const start = this.#at
    let [end, escaped] = [start + 1, false]
    while (this.#text[end] !== '"') {
      if (this.#text[end] === '\\') {
        escaped = true
        end++
      }
      end++
    }
    this.#at = end + 1
    return escaped ? JSON.parse(this.#text.slice(start, end + 1)) as string : this.#text.slice(start + 1, end)
  }

  #number(): JsonNumber {
    const start = this.#at
    while (this.#at < this.#text.length && '+-.0123456789eE'.includes(this.#text[this.#at]!)) this.#at++
    return new JsonNumber(this.#text.slice(start, this.#at))
  }

  #word<Word>(word: Word, length: number): Word {
    this.#at += length
    return word
  }

  /** The next character that isn't space; it isn't passed over. */
  #next(): string | undefined {
    while (this.#at < this.#text.length && ' \t\n\r'.includes(this.#text[this.#at]!)) this.#at++
    return this.#text[this.#at]
  }
}
