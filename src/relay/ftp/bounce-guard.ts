const LF = 0x0a
const CR = 0x0d
const SP = 0x20
const IAC = 0xff
const WILL = 0xfb

/** Commands by which a client names the address that a server dials; the last is of RFC 1639. */
const words = ['PORT', 'EPRT', 'LPRT']
const wordLength = 4

/** Which bytes begin one of them. */
const beginsWord = Array.from({ length: 256 }, (_, byte) => words.some((word) => word.startsWith(String.fromCharCode(byte).toUpperCase())))

/**
 * From here on a command may begin anywhere in a line: servers have cut longer lines into several commands
 * (CVE-2008-4247), the smallest of their buffers having 512 bytes.
 */
const mayBeCutAfter = 255

/** Numbers that show that PORT in the middle of a line has an address behind it, and isn't English. */
const numbersOfAnAddress = 4

/**
 * Watches what a client says where it isn't read as commands, or not only: tells where a server, however lenient, could read a
 * command that makes it dial somebody (RFC 2577 §3). It holds nothing back: no server acts on a line that isn't complete.
 */
export class BounceGuard {
  /** Servers read telnet sequences in two ways: as text, and not at all. */
  readonly #asText = new Line()
  readonly #withoutTelnet = new Line()
  #telnet: 'none' | 'begun' | 'option' = 'none'

  /** @returns whether such a command is in what came up to now; what came last is not to be passed then. */
  watch(bytes: Uint8Array): boolean {
    for (const byte of bytes) {
      const found = this.#asText.take(byte)
      if ((this.#isText(byte) && this.#withoutTelnet.take(byte)) || found) return true
    }
    return false
  }

  #isText(byte: number): boolean {
    const before = this.#telnet
    if (before === 'none') this.#telnet = byte === IAC ? 'begun' : 'none'
    else this.#telnet = before === 'begun' && byte >= WILL && byte < IAC ? 'option' : 'none'
    return before === 'none' && byte !== IAC
  }
}

/** Whether a server could read a command in this line, given with its line end, that makes it dial somebody. */
export function couldBounce(line: Uint8Array): boolean {
  return new BounceGuard().watch(line)
}

/** Looks for the words in one line after another, a byte at a time. */
class Line {
  #length = 0
  /** Nothing but control characters, spaces and bytes beyond ASCII has come: what some servers skip. */
  #blank = true
  /** As much of one of the words as has come. */
  #word = ''
  #numbers = 0
  #inNumber = false

  take(byte: number): boolean {
    if (byte === LF || byte === CR) {
      const found = this.#blank && this.#word.length === wordLength
      this.#length = 0
      this.#blank = true
      this.#word = ''
      return found
    }
    this.#length++
    if (this.#word.length === wordLength) return this.#follows(byte)
    this.#spell(byte)
    return false
  }

  #spell(byte: number): void {
    if (!isGraphic(byte)) {
      if (byte === SP && this.#word !== '') this.#restart()
      return
    }
    if (this.#word === '' && !beginsWord[byte]) {
      this.#blank = false
      return
    }
    let word = this.#word + String.fromCharCode(byte).toUpperCase()
    if (!this.#blank || !begins(word)) {
      this.#blank = false
      if (this.#length <= mayBeCutAfter) word = ''
      while (!begins(word)) word = word.slice(1)
    }
    this.#word = word
    this.#numbers = 0
    this.#inNumber = false
  }

  /** What comes after the whole word says whether it is one. */
  #follows(byte: number): boolean {
    const character = isGraphic(byte) ? String.fromCharCode(byte) : ' '
    // `Port: 80` and `PORT_A` aren't the command for anybody.
    if (this.#blank && !/[A-Za-z_:-]/.test(character)) return true
    if (/[A-Za-z]/.test(character) || this.#blank) {
      this.#restart()
      this.#spell(byte)
      return false
    }
    const isDigit = /\d/.test(character)
    if (isDigit && !this.#inNumber) this.#numbers++
    this.#inNumber = isDigit
    return this.#numbers >= (this.#word === 'EPRT' ? 1 : numbersOfAnAddress)
  }

  #restart(): void {
    this.#blank = false
    this.#word = ''
  }
}

function begins(word: string): boolean {
  return words.some((whole) => whole.startsWith(word))
}

function isGraphic(byte: number): boolean {
  return byte > SP && byte < 0x7f
}
