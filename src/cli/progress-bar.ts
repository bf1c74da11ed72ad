import type { SendProgress } from '../index.js'
import { formatCount, formatDuration } from './units.js'

const barWidth = 24

/** A bar with rate and time left at the bottom of the terminal; nothing where stderr isn't one. */
export function startProgressBar(): { take(progress: SendProgress): void, stop(): void } {
  const stream = process.stderr
  if (!stream.isTTY) return { take: () => {}, stop: () => {} }
  return {
    take: (progress) => stream.write(`\r\u001b[K${progressLine(progress).slice(0, Math.max(10, (stream.columns ?? 80) - 1))}`),
    stop: () => stream.write('\r\u001b[K'),
  }
}

/** `████░░░░ 1,200/4,000 · 812/s · 3.4 s left`. */
export function progressLine({ done, total, elapsed }: SendProgress): string {
  const filled = total === 0 ? barWidth : Math.floor(barWidth * done / total)
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
  const rate = elapsed > 0 ? done / elapsed : 0
  const left = rate > 0 ? ` · ${formatCount(Math.round(rate * 1000))}/s · ${formatDuration((total - done) / rate)} left` : ''
  return `${bar} ${formatCount(done)}/${formatCount(total)}${left}`
}
