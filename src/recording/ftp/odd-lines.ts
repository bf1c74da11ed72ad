import type { CommandEvent, Oddity, ReplyEvent } from '../../protocols/ftp/index.js'

/** Telnet sequences and STAT's reply during a transfer are as the protocol has them, though seldom seen. */
const words: Readonly<Partial<Record<Oddity, string>>> = {
  'bare-lf': 'a line that ends in LF alone, without CR',
  'bare-cr': 'a CR within a line',
  'nul': 'a NUL within a line',
  'control-character': 'a control character within a line',
  'empty': 'an empty line',
  'leading-space': 'spaces before the verb',
  'odd-verb': 'a verb of other characters than letters',
  'bare-code': 'a code without the space that has to follow it',
  'unsolicited': 'no command was waiting for it',
}

/** Says each oddity once, for commands and for replies: a peer that has one mostly has it in every line. */
export class OddLines {
  readonly #told = new Set<string>()

  /** What is to be told of this one, in words. Never what a client said, which may be a password. */
  of({ type, odd }: CommandEvent | ReplyEvent): string[] {
    const texts: string[] = []
    for (const oddity of odd) {
      const text = words[oddity]
      const key = `${type} ${oddity}`
      if (text === undefined || this.#told.has(key)) continue
      this.#told.add(key)
      texts.push(`odd ${type}: ${text}; others like it aren't told of`)
    }
    return texts
  }
}
