import { formatDuration } from '../units.js'
import { startOf } from './bars.js'
import type { Bar } from './bars.js'
import type { Picture } from './picture.js'
import { number, svgText } from './svg-text.js'

const rowHeight = 9
const mostRows = 8

/** The session true to scale: how long commands waited for their replies, and below, how long data connections were there. */
export function svgScale({ story, bars, end }: Picture, left: number, top: number, width: number): { svg: string, height: number } {
  const { session, commands } = story
  const duration = Math.max(1, end - session.started)
  const x = (time: number): number => left + Math.min(1, Math.max(0, (time - session.started) / duration)) * width
  const parts: string[] = []
  const block = (from: number, to: number, y: number, height: number, kind: string, title: string): void => {
    parts.push(`<rect class="${kind}" x="${number(x(from))}" y="${number(y)}" width="${number(Math.max(1, x(to) - x(from)))}" height="${height}"><title>${svgText(title)}</title></rect>`)
  }
  for (const { started, replied, code, verb, latencyMs } of commands) {
    block(started, replied ?? end, top, 8, code !== null && code < 400 ? 'command' : 'bad', `${verb} ${code ?? 'no reply'}${latencyMs === null ? '' : `, ${formatDuration(latencyMs)}`}`)
  }
  const rows: number[] = []
  const lanes = top + 14
  for (const bar of bars) {
    const from = startOf(bar)
    const to = bar.closed ?? end
    let row = rows.findIndex((busyUntil) => busyUntil <= from)
    if (row < 0 && rows.length < mostRows) row = rows.length
    if (row < 0) continue
    rows[row] = to
    const y = lanes + row * rowHeight
    if (bar.connected === null) {
      block(from, to, y + 2, 2, 'unused', `${bar.setup?.verb ?? 'data connection'}: nobody connected`)
      continue
    }
    const title = `${bar.name ?? 'no transfer'}, ${formatDuration((to - bar.connected) / 1000)}`
    block(bar.connected, to, y + 1, 4, kindOf(bar), title)
    if (bar.firstByte !== null && bar.lastByte !== null) block(bar.firstByte, bar.lastByte, y, 6, `${kindOf(bar)} flows`, title)
  }
  const axis = lanes + Math.max(1, rows.length) * rowHeight + 4
  parts.push(`<line class="axis" x1="${number(left)}" y1="${axis}" x2="${number(left + width)}" y2="${axis}"/>`)
  const step = tickStep(duration)
  for (let time = 0; time <= duration; time += step) {
    const at = number(x(session.started + time))
    parts.push(`<line class="axis" x1="${at}" y1="${axis}" x2="${at}" y2="${axis + 4}"/>`,
      `<text class="faint" x="${at}" y="${axis + 16}"${time === 0 ? '' : ` text-anchor="${time > duration * 0.95 ? 'end' : 'middle'}"`}>${time === 0 ? '0' : formatDuration(time / 1000)}</text>`)
  }
  return { svg: parts.join('\n'), height: axis + 22 - top }
}

export function kindOf({ transfer }: Bar): string {
  if (transfer === null) return 'unused'
  if (transfer.error !== null) return 'bad'
  return transfer.direction === 'up' ? 'up' : 'down'
}

/** About six ticks, at 1, 2 or 5 times a power of ten. In µs. */
function tickStep(duration: number): number {
  const power = 10 ** Math.floor(Math.log10(duration / 6))
  return Math.max(1, ([1, 2, 5, 10].find((factor) => duration / (factor * power) <= 7) ?? 10) * power)
}
