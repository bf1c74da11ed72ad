import { dataDirection } from './verbs.js'

/** A command without its final reply. */
export interface Waiting {
  readonly message: number
  readonly verb: string
  /** It moves data, and a 1xx said that the transfer has begun. */
  transferring: boolean
}

/** Which command a reply answers. */
export interface Match {
  /** Null where none was waiting. */
  readonly command: Waiting | null
  /** Whether an older command is still unanswered when this reply comes. */
  readonly outOfTurn: boolean
  /** Commands that this reply shows never to be answered. */
  readonly passedOver: readonly Waiting[]
}

/** More commands than this without an answer aren't remembered. */
export const MOST_UNANSWERED = 65_536

/** How far behind a running transfer a command is looked for that was answered before it. */
const MOST_AHEAD = 64

const LONGEST_VERB = 32

/** Answered commands are kept up to this number, so that they aren't cleared away one by one. */
const HEAD_ROOM = 32

const NOBODY: Match = { command: null, outOfTurn: false, passedOver: [] }

/** What a transfer isn't answered with at any time, and these commands are (RFC 959 §4.1.3, §5.4). */
const OWN_CODES: ReadonlyMap<number, string> = new Map([
  [211, 'STAT'], [212, 'STAT'], [213, 'STAT'], [221, 'QUIT'], [225, 'ABOR'],
])

const ABOR_CODES = new Set([225, 226, 426, 451, 500, 501, 502])

/**
 * Which command a reply answers: the oldest that has no final reply yet (RFC 959 §5.4), but for these.
 * - STAT's 211, 212 and 213 and QUIT's 221 can't be a transfer's, so they are STAT's and QUIT's if these were sent after
 *   it. Once the transfer has begun, nor can any other reply that doesn't end one (200 to a NOOP, 500): it's the first
 *   later command's.
 * - ABOR: the first of two replies, 426 or 226, is the transfer's, the second is ABOR's. A lone 225 is ABOR's, and the
 *   transfer is passed over. A lone 226 can't be told from the first of two: it's the transfer's, and ABOR is passed
 *   over once a reply comes that ABOR can't have and a later command can.
 * - An empty line, which not every server answers, is passed over by anything but an error.
 * - 421 may come at any time and is the oldest one's. The others stay unanswered.
 */
export class Outstanding {
  /** The ordinal of the next command. */
  next = 0
  /** From `head` on; what is before it has been answered. */
  private readonly waiting: Waiting[] = []
  private head = 0
  private answersCome = true

  get isFull(): boolean {
    return this.waiting.length - this.head >= MOST_UNANSWERED
  }

  /** A command is complete, and waits for its replies from now on. */
  open(verb: string): void {
    // Rebuilt, as a slice would keep the whole of a long string in memory.
    const short = verb.length > LONGEST_VERB ? Buffer.from(verb.slice(0, LONGEST_VERB), 'latin1').toString('latin1') : verb
    if (this.answersCome) this.waiting.push({ message: this.next, verb: short, transferring: false })
    this.next++
  }

  /** No reply can be read any more, so nothing is gained by keeping further commands for them. */
  stopAnswering(): void {
    this.answersCome = false
  }

  get oldest(): Waiting | null {
    return this.waiting[this.head] ?? null
  }

  get messages(): readonly number[] {
    return this.waiting.slice(this.head).map(command => command.message)
  }

  /** Whom a reply with this code answers. Commands from `horizon` on came after its first byte, so it can't be theirs. */
  match(code: number, horizon: number): Match {
    let first = this.head
    let oldest = this.before(horizon, first)
    if (oldest === null) return NOBODY
    if (code === 421) return { command: oldest, outOfTurn: false, passedOver: [] }
    for (let next = this.before(horizon, first + 1); next !== null && cannotHave(oldest, code);) {
      oldest = next
      first++
      next = this.before(horizon, first + 1)
    }
    const passedOver = this.waiting.slice(this.head, first)
    const ahead = this.answeredAhead(oldest, code, first + 1, horizon)
    if (ahead === null) return { command: oldest, outOfTurn: false, passedOver }
    if (ahead.verb === 'ABOR') passedOver.push(oldest)
    return { command: ahead, outOfTurn: true, passedOver }
  }

  /** The reply is complete. */
  settle({ command, passedOver }: Match, code: number): void {
    for (const waiting of passedOver) this.remove(waiting)
    if (command === null) return
    if (code >= 200) this.remove(command)
    else if (dataDirection(command.verb) !== null) command.transferring = true
  }

  private before(horizon: number, index: number): Waiting | null {
    const command = this.waiting[index]
    return command !== undefined && command.message < horizon ? command : null
  }

  /** The command from `start` on that this reply answers before the oldest one has its own. */
  private answeredAhead(oldest: Waiting, code: number, start: number, horizon: number): Waiting | null {
    const next = this.before(horizon, start)
    if (code < 200 || next === null || dataDirection(oldest.verb) === null) return null
    const verb = OWN_CODES.get(code)
    for (let index = start; verb !== undefined && index < start + MOST_AHEAD; index++) {
      const command = this.before(horizon, index)
      if (command?.verb === verb) return command
    }
    return oldest.transferring && !endsTransfer(code) ? next : null
  }

  /** It's at the head or close behind, so those before it are moved up by one, and never all the others. */
  private remove(command: Waiting): void {
    const index = this.waiting.indexOf(command, this.head)
    if (index === -1) return
    this.waiting.copyWithin(this.head + 1, this.head, index)
    this.head++
    if (this.head < HEAD_ROOM || this.head * 2 < this.waiting.length) return
    this.waiting.splice(0, this.head)
    this.head = 0
  }
}

/** Whether a transfer that has begun may end with this code (RFC 959 §5.4, RETR and STOR). */
function endsTransfer(code: number): boolean {
  return code === 226 || code === 250 || (code >= 400 && code < 500) || (code >= 505 && (code < 530 || code >= 540))
}

function cannotHave({ verb }: Waiting, code: number): boolean {
  if (verb === '') return code < 500
  return verb === 'ABOR' && !ABOR_CODES.has(code)
}
