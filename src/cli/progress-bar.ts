import { columnsOf } from './columns.js'
import { formatCount, formatDuration } from './units.js'

const barWidth = 24

/** Ms between two drawings. */
const interval = 100

/** How far something is, in whatever is counted. */
export interface Progress {
  readonly done: number
  /** Null where nobody knows. */
  readonly total: number | null
  /** Ms since it began. */
  readonly elapsed: number
}

/** A bar with rate and time left at the bottom of the terminal; nothing where stderr isn't one. @param format of what is counted: `formatBytes`. */
export function startProgressBar(format: (count: number) => string = formatCount): { take(progress: Progress): void, stop(): void } {
  const stream = process.stderr
  if (!stream.isTTY) return { take: () => {}, stop: () => {} }
  let drawn = -interval
  return {
    take: (progress) => {
      if (progress.elapsed - drawn < interval && (progress.total === null || progress.done < progress.total)) return
      drawn = progress.elapsed
      stream.write(`\r\u001b[K${progressLine(progress, format).slice(0, Math.max(10, columnsOf(stream) - 1))}`)
    },
    stop: () => stream.write('\r\u001b[K'),
  }
}

/** `████░░░░ 1,200/4,000 · 812/s · 3.4 s left`; `1,200 · 812/s` where nobody knows of how many. */
export function progressLine({ done, total, elapsed }: Progress, format: (count: number) => string = formatCount): string {
  const rate = elapsed > 0 ? done / elapsed : 0
  const speed = rate > 0 ? ` · ${format(Math.round(rate * 1000))}/s` : ''
  if (total === null) return `${format(done)}${speed}`
  const filled = total === 0 ? barWidth : Math.min(barWidth, Math.floor(barWidth * done / total))
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
  const left = rate > 0 ? `${speed} · ${formatDuration(Math.max(0, total - done) / rate)} left` : ''
  return `${bar} ${format(done)}/${format(total)}${left}`
}
