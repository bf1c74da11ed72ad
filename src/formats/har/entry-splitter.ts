import { BrokenCapture } from '../capture/captured-packet.js'

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const [openBrace, closeBrace] = [0x7b, 0x7d]
const [openBracket, closeBracket] = [0x5b, 0x5d]

/** One entry is held whole: the largest text that can be parsed, nearly. */
const largestEntry = 400 * 1024 * 1024

/** Keys longer than this aren't ours. */
const longestKey = 16

/** Deeper than anything but an attack. */
const deepest = 10_000

/**
 * Finds the elements of `log.entries` in the bytes of a HAR as they come, so that none but the current one is in memory.
 * It looks at strings and brackets alone: what is between them is for the parser of each entry.
 */
export class EntrySplitter {
  readonly #entry: (text: string, offset: number, ordinal: number) => void
  #offset = 0
  #inString = false
  #escaped = false
  #isArray: boolean[] = []
  /** The last string on the way to the entries, and what it was the key of. */
  #string: number[] = []
  #path: string[] = []
  #inEntries = false
  #found = false
  #parts: Buffer[] = []
  #size = 0
  #start = -1
  #ordinal = 0

  /** @param entry gets one entry's JSON, where it begins in the file, and its ordinal from 1. */
  constructor(entry: (text: string, offset: number, ordinal: number) => void) {
    this.#entry = entry
  }

  /** Entries found so far. */
  get entries(): number {
    return this.#ordinal
  }

  take(chunk: Buffer): void {
    let entryFrom = this.#start >= 0 ? 0 : -1
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index]!
      if (this.#inString) {
        this.#withinString(byte)
        continue
      }
      switch (byte) {
        case quote:
          this.#inString = true
          this.#string = []
          break
        case openBrace: case openBracket:
          if (this.#inEntries && this.#isArray.length === 3) {
            this.#start = this.#offset + index
            entryFrom = index
          }
          this.#open(byte === openBracket, this.#offset + index)
          break
        case closeBrace: case closeBracket:
          this.#close(this.#offset + index)
          if (entryFrom >= 0 && this.#isArray.length === 3) {
            this.#keep(chunk.subarray(entryFrom, index + 1))
            this.#finish()
            entryFrom = -1
          }
          break
        case comma: if (this.#isArray.length <= 2) this.#string = []
      }
    }
    if (entryFrom >= 0) this.#keep(Buffer.from(chunk.subarray(entryFrom)))
    this.#offset += chunk.length
  }

  /** @throws BrokenCapture where the file ends before its JSON does, or has no entries. */
  end(): void {
    if (this.#isArray.length > 0 || this.#inString) {
      throw new BrokenCapture(this.#offset, this.#ordinal + 1, this.#start >= 0 ? 'it ends within an entry' : 'it ends before its JSON does')
    }
    if (!this.#found) throw new BrokenCapture(this.#offset, 1, 'it has no log.entries')
  }

  #withinString(byte: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === backslash) this.#escaped = true
    else if (byte === quote) this.#inString = false
    else if (this.#isArray.length <= 2 && this.#string.length <= longestKey) this.#string.push(byte)
  }

  /** @param at of the bracket in the file. */
  #open(isArray: boolean, at: number): void {
    const depth = this.#isArray.length
    if (depth > deepest) throw new BrokenCapture(at, this.#ordinal + 1, 'its JSON is nested too deeply')
    // Objects to arrays: {"log": {"entries": [
    if (depth <= 2) this.#path[depth] = String.fromCharCode(...this.#string)
    this.#isArray.push(isArray)
    if (isArray && depth === 2 && this.#path[1] === 'log' && this.#path[2] === 'entries') this.#inEntries = this.#found = true
  }

  #close(at: number): void {
    if (this.#isArray.length === 0) throw new BrokenCapture(at, this.#ordinal + 1, 'its JSON has a bracket too many')
    this.#isArray.pop()
    if (this.#isArray.length < 3) this.#inEntries = false
  }

  #keep(bytes: Buffer): void {
    this.#size += bytes.length
    if (this.#size > largestEntry) throw new BrokenCapture(this.#start, this.#ordinal + 1, `an entry is larger than ${largestEntry} bytes`)
    this.#parts.push(bytes)
  }

  #finish(): void {
    const text = Buffer.concat(this.#parts).toString('utf8')
    const start = this.#start
    this.#parts = []
    this.#size = 0
    this.#start = -1
    this.#entry(text, start, ++this.#ordinal)
  }
}
