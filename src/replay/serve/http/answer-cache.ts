import type { Recording } from '../../../recording/recording.js'
import { mostKept, readAnswer } from './recorded-answer.js'
import type { RecordedAnswer } from './recorded-answer.js'

/** Bytes of answers that are kept. */
const capacity = 64 * 1024 * 1024

/** What an answer takes besides its bytes, roughly: those without a body are kept by the thousand too. */
const overhead = 4096

/** Answers that were given last, so that asking again costs no reading. */
export class AnswerCache {
  readonly #recording: Recording
  readonly #answers = new Map<number, RecordedAnswer>()
  #size = 0

  constructor(recording: Recording) {
    this.#recording = recording
  }

  get(id: number): RecordedAnswer {
    const known = this.#answers.get(id)
    if (known !== undefined) {
      this.#answers.delete(id)
      this.#answers.set(id, known)
      return known
    }
    const answer = inOnePiece(readAnswer(this.#recording, id))
    // It may still be on its way into the recording.
    if (answer.incomplete !== null) return answer
    this.#answers.set(id, answer)
    this.#size += sizeOf(answer)
    for (const [oldest, one] of this.#answers) {
      if (this.#size <= capacity) break
      this.#answers.delete(oldest)
      this.#size -= sizeOf(one)
    }
    return answer
  }
}

/** All of it in one piece of memory: what is played piece by piece are parts of that. */
function inOnePiece(answer: RecordedAnswer): RecordedAnswer {
  const { informational, head, rest } = answer
  if (rest === null) return answer
  const whole = Buffer.concat([informational, head, ...rest.map(({ bytes }) => bytes)])
  let at = 0
  const cut = (length: number): Buffer => whole.subarray(at, at += length)
  return {
    ...answer, whole, informational: cut(informational.length), head: cut(head.length),
    rest: rest.map((piece) => ({ ...piece, bytes: cut(piece.bytes.length) })),
  }
}

/** Long bodies stay in the file. */
function sizeOf({ rest, head }: RecordedAnswer): number {
  return overhead + head.length + (rest === null ? 0 : Math.min(mostKept, rest.reduce((sum, { bytes }) => sum + bytes.length, 0)))
}
