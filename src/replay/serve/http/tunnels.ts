import type { Direction } from '../../../protocols/decoder.js'
import { firstHeader } from '../../../protocols/http1/index.js'
import type { Address } from '../../../recording/notes.js'
import type { Recording } from '../../../recording/recording.js'
import { Unmasking } from '../../../protocols/websocket/unmasking.js'
import type { Segment } from '../../../recording/rows.js'
import type { Miss } from '../miss.js'
import type { After } from '../stand-in.js'
import type { Departure } from '../tcp/act.js'
import { Conversation } from '../tcp/conversation.js'
import { missOf } from '../tcp/departure.js'
import type { TcpMatching } from '../tcp/match.js'
import { Narrowing } from '../tcp/narrowing.js'
import { RecordedScripts } from '../tcp/recorded-scripts.js'
import type { Place, ScriptEnd, ScriptPiece, Scripts } from '../tcp/script.js'
import type { AskedRequest } from './asked-request.js'
import { lineOf } from './explain-miss.js'
import { readAnswer } from './recorded-answer.js'
import { UnmaskedScripts } from './unmasked-scripts.js'

/** What equal requests opened, told apart by what is said through it. */
interface Group {
  readonly narrowing: Narrowing
  /** Ids of the exchanges that opened them. */
  readonly exchanges: readonly number[]
}

/** One client's. */
export interface Tunnel {
  readonly conversation: Conversation
  /** How what the client says is compared. */
  readonly heard: (bytes: Buffer) => Buffer
  /** What is told of a client that says something else. */
  readonly missOf: (departure: Departure, opening: Buffer, client: Address | null) => Miss
}

/** Connections that stopped being HTTP (101, CONNECT), played from there on as any TCP conversation is. */
export class Tunnels {
  readonly #recording: Recording
  readonly #after: After
  readonly #matching: TcpMatching
  readonly #groups = new WeakMap<readonly number[], Group>()

  constructor(recording: Recording, after: After, matching: TcpMatching) {
    this.#recording = recording
    this.#after = after
    this.#matching = matching
  }

  /** @param equal ids of the exchanges that answer the same request: always the same list for the same ones. */
  open(request: AskedRequest, equal: readonly number[]): Tunnel {
    const webSocket = firstHeader(request.headers, 'upgrade')?.toLowerCase() === 'websocket'
    const { narrowing, exchanges } = this.#group(equal, webSocket)
    const unmasking = new Unmasking()
    return {
      conversation: new Conversation(narrowing, this.#matching.compared),
      heard: (bytes) => webSocket ? unmasking.take(bytes) : bytes,
      missOf: (departure, opening, client) => {
        const miss = missOf(departure, opening, client, { name: 'the tunnel of exchange', id: (script) => exchanges[script]!, incomplete: [] }, this.#recording)
        return { ...miss, protocol: 'http', asked: `${lineOf(request)}, and then ${miss.asked}` }
      },
    }
  }

  #group(equal: readonly number[], webSocket: boolean): Group {
    let group = this.#groups.get(equal)
    if (group === undefined) {
      const exchanges = equal.filter((id) => {
        const { tunnels, incomplete } = readAnswer(this.#recording, id)
        return tunnels && incomplete === null
      })
      const scripts = new TunnelScripts(this.#recording, exchanges)
      group = { exchanges, narrowing: new Narrowing(webSocket ? new UnmaskedScripts(scripts) : scripts, this.#after, this.#matching.reach) }
      this.#groups.set(equal, group)
    }
    return group
  }
}

/** Recorded connections from where an exchange left them. */
class TunnelScripts implements Scripts {
  readonly size: number
  readonly #connections: RecordedScripts
  readonly #starts: readonly Place[]

  constructor(recording: Recording, exchanges: readonly number[]) {
    this.size = exchanges.length
    this.#connections = RecordedScripts.of(recording, exchanges.map((id) => recording.connection(recording.exchange(id).connectionId)))
    this.#starts = exchanges.map((id) => startOf(recording, id))
  }

  piece(script: number, direction: Direction, offset: number): ScriptPiece | null {
    return this.#connections.piece(script, direction, this.#starts[script]![direction] + offset)
  }

  end(script: number): ScriptEnd {
    return this.#connections.end(script)
  }

  began(script: number): number {
    return this.#connections.began(script)
  }
}

/** Where the tunnel begins that an exchange opened: behind its heads, in what the client sent and in what it got. */
function startOf(recording: Recording, id: number): Place {
  const segments = recording.exchangeSegments(id).filter(({ kind, leg }) => leg === 'received' && kind !== 'opaque')
  const end = (direction: Direction): number => endOf(segments.filter((segment) => segment.direction === direction))
  const received = end('down')
  const { connectionId } = recording.exchange(id)
  let down = received
  if (recording.connection(connectionId).changed) {
    for (const { bytes, replaces } of recording.segments({ where: `connection_id = ${connectionId} AND direction = 'down' AND leg = 'sent' AND "offset" < ${received}` })) {
      down += bytes.length - (replaces ?? 0)
    }
  }
  return { up: end('up'), down }
}

function endOf(segments: readonly Segment[]): number {
  return segments.reduce((end, { offset, bytes }) => Math.max(end, offset + bytes.length), 0)
}
