import { secretVerbs } from '../../protocols/ftp/index.js'

const LF = 0x0a
const CR = 0x0d
const SP = 0x20
const DEL = 0x7f
const SE = 0xf0
const SB = 0xfa
const WILL = 0xfb
const IAC = 0xff
const asterisk = 0x2a

const secrets = new Set(secretVerbs)
const longestSecret = Math.max(...secretVerbs.map((verb) => verb.length))

/** What was received last, in bytes, for what is sent on instead of it: several commands. */
const remembered = 16 * 1024

/**
 * Masks passwords in what a client sends, whether or not anybody can read it as FTP: a server may act on a line that we
 * gave up on. It goes line by line and byte by byte, so it doesn't matter how the bytes are cut; lengths stay as they are.
 */
export class SecretMasker {
  readonly #received = new LineMasker()
  /** As masked, from that stream offset on; whether that is where a line starts. */
  #last = { bytes: Buffer.alloc(0), start: 0, startsLine: true }
  #sent = { masker: new LineMasker(), next: -1 }

  /** Overwrites what is secret in the next bytes of the stream. */
  mask(bytes: Buffer): void {
    this.#received.mask(bytes)
    const { start, startsLine } = this.#last
    const all = Buffer.concat([this.#last.bytes, bytes])
    const cut = Math.max(0, all.length - remembered)
    this.#last = { bytes: cut === 0 ? all : Buffer.from(all.subarray(cut)), start: start + cut, startsLine: startsLine && cut === 0 }
  }

  /** The same for a copy of what was sent on instead of `replaced` bytes at `offset`. */
  sent(bytes: Buffer, offset: number, replaced: number): Buffer {
    if (this.#sent.next !== offset) this.#sent.masker = this.#at(offset)
    this.#sent.next = offset + replaced
    const copy = Buffer.from(bytes)
    this.#sent.masker.mask(copy)
    return copy
  }

  /** That many bytes are missing here: what comes up to the next line end may be the end of a secret. */
  gap(length: number): void {
    this.#received.gap()
    this.#last = { bytes: Buffer.alloc(0), start: this.#last.start + this.#last.bytes.length + length, startsLine: false }
  }

  /** As it stands within the line that was received up to there. */
  #at(offset: number): LineMasker {
    const { bytes, start, startsLine } = this.#last
    const before = bytes.subarray(0, Math.max(0, offset - start))
    const feed = before.lastIndexOf(LF)
    const masker = new LineMasker()
    if (offset < start || (feed < 0 && !startsLine)) masker.gap()
    else masker.mask(Buffer.from(before.subarray(feed + 1)))
    return masker
  }
}

class LineMasker {
  #line = new SecretLine()
  #inSecret = false

  mask(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const feed = bytes.indexOf(LF, at)
      const end = feed < 0 ? bytes.length : feed
      while (at < end && !this.#inSecret && !this.#line.decided) this.#inSecret = this.#line.next(bytes[at++]!) !== null
      for (; this.#inSecret && at < end; at++) if (bytes[at] !== CR) bytes[at] = asterisk
      at = end + 1
      if (feed < 0) return
      this.#line = new SecretLine()
      this.#inSecret = false
    }
  }

  gap(): void {
    this.#inSecret = true
  }
}

/** The verb of a line that takes a secret; null where it takes none. */
export function secretVerbOf(line: Buffer): string | null {
  const reading = new SecretLine()
  for (const byte of line) {
    const verb = byte === LF || reading.decided ? null : reading.next(byte)
    if (verb !== null) return verb
  }
  return null
}

/**
 * A line up to where its secret begins. It is read twice, with its telnet sequences and without them: what either reading
 * takes for a password isn't to be written down, as we can't know which of the two is the server's (RFC 854).
 */
class SecretLine {
  readonly #plain = new VerbReading()
  readonly #stripped = new VerbReading()
  readonly #telnet = new TelnetReading()

  get decided(): boolean {
    return this.#plain.decided && this.#stripped.decided
  }

  /** @returns the verb, where the bytes from the next one on are its secret. */
  next(byte: number): string | null {
    const isText = this.#telnet.isText(byte)
    return this.#plain.next(byte) ?? (isText ? this.#stripped.next(byte) : null)
  }
}

/** More is taken for a verb and its end than the protocol has: a tab, control characters in the verb, anything before it. */
class VerbReading {
  decided = false
  #verb = ''

  next(byte: number): string | null {
    if (this.decided) return null
    const letter = byte & 0xdf
    if (letter >= 0x41 && letter <= 0x5a) {
      this.#verb += String.fromCharCode(letter)
      this.decided = this.#verb.length > longestSecret
    } else if (secrets.has(this.#verb)) {
      return this.#verb
    } else if (this.#verb !== '') {
      this.decided = (byte >= 0x09 && byte <= CR) || (byte >= SP && byte < DEL)
    }
    return null
  }
}

/** Tells a line's text from its telnet sequences (RFC 854), byte by byte. */
class TelnetReading {
  #state: 'text' | 'command' | 'option' | 'subnegotiation' | 'command in it' = 'text'

  isText(byte: number): boolean {
    switch (this.#state) {
      case 'text':
        if (byte !== IAC) return true
        this.#state = 'command'
        return false
      case 'command':
        this.#state = byte === SB ? 'subnegotiation' : byte >= WILL && byte !== IAC ? 'option' : 'text'
        return byte < SE || byte === IAC
      case 'option':
        this.#state = 'text'
        return false
      case 'subnegotiation':
        if (byte === IAC) this.#state = 'command in it'
        return false
      case 'command in it':
        this.#state = byte === SE ? 'text' : 'subnegotiation'
        return false
    }
  }
}
