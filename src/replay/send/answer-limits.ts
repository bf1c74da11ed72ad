import { timerOf } from '../timers.js'

/** What an answer took when it was recorded. */
export interface RecordedAnswer {
  /** Bytes that the server said. */
  readonly bytes: number
  /** Ms of the longest silence within it, or before it. */
  readonly silence: number
  /** Ms in all. */
  readonly duration: number
  /** Bytes of what it answers, where those take time too. */
  readonly asked?: number
}

/** How much longer and larger than recorded an answer may be. */
const most = 10

/** Bytes that any answer may have beyond that. */
const anyBytes = 8 * 1024 * 1024

/** Bytes in a ms of the slowest line that is waited for: what was recorded next door may come from afar now. */
const slowest = 100

/**
 * What an answer may take, seen from the recorded one, before it isn't waited for any longer: an answer without end isn't listened to for ever, and one that
 * took long isn't left for that.
 */
export class AnswerLimits {
  /** Ms without a byte. */
  readonly silence: number
  /** Ms in all. */
  readonly duration: number
  readonly bytes: number

  /** @param patience ms of silence that are allowed beyond the recorded ones. */
  constructor({ bytes, silence, duration, asked = 0 }: RecordedAnswer, patience: number) {
    this.silence = timerOf(patience + silence)
    // Whoever only falls silent is left for that.
    this.duration = timerOf(2 * this.silence + most * duration + (bytes + asked) / slowest)
    this.bytes = most * bytes + anyBytes
  }

  get tooMuch(): string {
    return `answered more than ${(this.bytes / 1024 / 1024).toFixed(1)} MiB, cut`
  }

  get tooLong(): string {
    return `answered for more than ${seconds(this.duration)}, cut`
  }

  get tooSilent(): string {
    return `silent for ${seconds(this.silence)}, left`
  }
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toPrecision(3))} s`
}
