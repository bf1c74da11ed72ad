import type { Relay } from '../index.js'
import { columnsOf } from './columns.js'
import { formatBytes, formatCount } from './units.js'

const interval = 250

/** One line at the bottom of the terminal that tells how the relay is doing; nothing where stderr isn't a terminal. */
export function startLiveLine(relay: Relay): { stop(): void } {
  const stream = process.stderr
  if (!stream.isTTY) return { stop: () => {} }
  let before = { at: Date.now(), bytes: 0 }
  let rate = 0
  const draw = (): void => {
    const { open, bytesUp, bytesDown, records } = relay.stats()
    const now = Date.now()
    const bytes = bytesUp + bytesDown
    if (now - before.at >= 1000) {
      rate = (bytes - before.bytes) * 1000 / (now - before.at)
      before = { at: now, bytes }
    }
    const counted = relay.path === null ? '' : ` · ${formatCount(records)} records`
    const line = `${formatCount(open)} open${counted} · ↑ ${formatBytes(bytesUp)} ↓ ${formatBytes(bytesDown)} · ${formatBytes(Math.round(rate))}/s`
    stream.write(`\r\u001b[K${line.slice(0, Math.max(10, columnsOf(stream) - 1))}`)
  }
  const timer = setInterval(draw, interval)
  return {
    stop: () => {
      clearInterval(timer)
      stream.write('\r\u001b[K')
    },
  }
}
