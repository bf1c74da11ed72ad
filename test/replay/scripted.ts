import type { Act } from '../../src/replay/serve/tcp/act.js'
import { Conversation } from '../../src/replay/serve/tcp/conversation.js'
import { readTcpMatch } from '../../src/replay/serve/tcp/match.js'
import type { TcpMatch } from '../../src/replay/serve/tcp/match.js'
import { Narrowing } from '../../src/replay/serve/tcp/narrowing.js'
import type { ScriptEnd, Scripts } from '../../src/replay/serve/tcp/script.js'
import type { After } from '../../src/replay/serve/stand-in.js'

/** `> what the client says`, `< what it gets`, in their order; the end last where it isn't the client's. */
export type Told = readonly string[]

/** Scripts as they would be recorded, each line read at once. */
export function scripted(...all: readonly Told[]): Scripts {
  const read = all.map((lines) => {
    const pieces = { up: [] as { bytes: Buffer, at: number, line: number }[], down: [] as { bytes: Buffer, at: number, line: number }[] }
    const lengths = { up: 0, down: 0 }
    let end: ScriptEnd = 'client'
    for (const [line, text] of lines.entries()) {
      if (text === 'close' || text === 'reset' || text === 'stopped' || text === 'refused') end = text
      else {
        const direction = text.startsWith('> ') ? 'up' : 'down'
        const bytes = Buffer.from(text.slice(2), 'latin1')
        pieces[direction].push({ bytes, at: lengths[direction], line })
        lengths[direction] += bytes.length
      }
    }
    return { pieces, end }
  })
  return {
    size: all.length,
    piece: (script, direction, offset) => {
      const found = read[script]!.pieces[direction].find(({ bytes, at }) => offset >= at && offset < at + bytes.length)
      return found === undefined ? null : { bytes: found.bytes.subarray(offset - found.at), time: found.line * 1000, order: found.line, within: offset > found.at }
    },
    end: (script) => read[script]!.end,
    began: () => 0,
  }
}

/** A server that goes through scripts, and clients that talk to it. */
export class ScriptedServer {
  readonly #narrowing: Narrowing
  readonly #compared: number

  constructor(scripts: Scripts, { after = 'repeat', match = 'exact' }: { after?: After, match?: TcpMatch } = {}) {
    const { compared, reach } = readTcpMatch(match)
    this.#narrowing = new Narrowing(scripts, after, reach)
    this.#compared = compared
  }

  client(): ScriptedClient {
    return new ScriptedClient(new Conversation(this.#narrowing, this.#compared))
  }
}

export class ScriptedClient {
  readonly conversation: Conversation
  over: Act | null = null

  constructor(conversation: Conversation) {
    this.conversation = conversation
  }

  /** @returns what it gets for that, with what became of the connection in brackets where it isn't open any longer. */
  async says(...pieces: readonly (string | Buffer)[]): Promise<string> {
    let got = ''
    for (const piece of pieces) {
      if (this.over !== null) break
      this.conversation.take(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)
      got += await this.#hears()
    }
    return got
  }

  async leaves(): Promise<string> {
    this.conversation.finish()
    return this.#hears()
  }

  async pauses(): Promise<string> {
    this.conversation.pause()
    return this.#hears()
  }

  async #hears(): Promise<string> {
    let got = ''
    for (;;) {
      const act = await this.conversation.next()
      if (act.kind === 'wait') return got
      if (act.kind === 'say') {
        got += act.bytes.toString('latin1')
        continue
      }
      this.over = act
      return `${got}[${act.kind}]`
    }
  }
}
