import type { Bar } from './bars.js'
import { cutPieces, widthOf } from './fitting.js'
import type { Piece } from './fitting.js'
import type { Phase } from './moments.js'
import { barOf } from './picture.js'
import type { DrawnRow, Picture } from './picture.js'
import { kindOf, svgScale } from './svg-scale.js'
import { number, svgText } from './svg-text.js'
import { controlWords, formatSince, headingOf, markWords, verdictOf } from './words.js'

const width = 1120
const margin = 24
const rowHeight = 18
const timeRight = margin + 72
const controlLeft = timeRight + 14
const controlRight = 640
const barsLeft = controlRight + 24
const laneWidth = 14
/** Of a character of the monospaced font, at 12 pixels. */
const characterWidth = 7.25

/** What is below a step of a bar until the next. */
const below: Readonly<Partial<Record<Phase, { readonly width: number, readonly kind: string }>>> = {
  prepared: { width: 2, kind: ' waiting' }, connected: { width: 4, kind: '' }, flowing: { width: 10, kind: ' flows' }, drained: { width: 4, kind: '' },
}

const style = `
  text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; white-space: pre }
  .heading { font: bold 15px system-ui, sans-serif } .lane { font: bold 12px system-ui, sans-serif; fill: #59636e }
  .faint, .dim { fill: #59636e } .text-bad { fill: #b3261e } .text-notable { fill: #8a5a00 } .text-good { fill: #1a6e37 }
  .axis, .tie { stroke: #c4cad1; stroke-width: 1 } .tie { stroke-dasharray: 2 3 }
  .command { fill: #8b949e } .down { fill: #9ecbff } .down.flows { fill: #0969da } .up { fill: #b4e3bd } .up.flows { fill: #1f883d }
  .bad { fill: #f5b5b0 } .bad.flows { fill: #cf222e } .unused { fill: #d4a72c } .waiting { fill: #c4cad1 }
`

/** Sessions as one standalone SVG: each true to scale, and below that row by row, control left and data right. */
export function svgPicture(pictures: readonly Picture[]): string {
  const parts: string[] = []
  let top = margin
  for (const picture of pictures) {
    const { svg, height } = session(picture, top)
    parts.push(svg)
    top += height + 36
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" role="img">`,
    `<title>${svgText(pictures.map(({ story }) => headingOf(story)).join('; '))}</title>`,
    `<style>${style}</style>`, `<rect width="${width}" height="${top}" fill="#ffffff"/>`, ...parts, '</svg>', '',
  ].join('\n')
}

function session(picture: Picture, top: number): { svg: string, height: number } {
  const { story, rows } = picture
  const parts = [
    `<text class="heading" x="${margin}" y="${top + 14}">${svgText(headingOf(story))}</text>`,
    line(margin, top + 36, verdictOf(picture).flatMap((piece, index) => index === 0 ? [piece] : [{ text: ' · ', tone: 'dim' } as const, piece])),
  ]
  const scale = svgScale(picture, margin, top + 50, width - 2 * margin)
  const head = top + 50 + scale.height + 26
  parts.push(scale.svg,
    `<text class="lane" x="${timeRight}" y="${head}" text-anchor="end">time</text>`,
    `<text class="lane" x="${controlLeft}" y="${head}">control</text>`, `<text class="lane" x="${barsLeft}" y="${head}">data</text>`,
    `<line class="axis" x1="${margin}" y1="${head + 7}" x2="${width - margin}" y2="${head + 7}"/>`)
  const first = head + 10
  parts.push(bars(rows, first))
  for (const [index, row] of rows.entries()) parts.push(rowText(row, picture, first + index * rowHeight + 13))
  return { svg: parts.join('\n'), height: first + rows.length * rowHeight - top }
}

function rowText(row: DrawnRow, { story, lanes }: Picture, y: number): string {
  const parts: string[] = []
  if (row.said?.kind !== 'wait') parts.push(`<text class="faint" x="${timeRight}" y="${y}" text-anchor="end">${formatSince(row.time - story.session.started)}</text>`)
  let textEnd = controlLeft
  if (row.said !== null) {
    const room = Math.floor((controlRight - controlLeft) / characterWidth)
    const { pieces, latency } = controlWords(row.said, room)
    const words = cutPieces(pieces, latency === null ? room : room - widthOf(latency.text) - 1)
    textEnd += words.reduce((sum, { text }) => sum + widthOf(text), 0) * characterWidth
    parts.push(line(controlLeft, y, words, controlWords(row.said, Infinity).pieces.map(({ text }) => text).join('')))
    if (latency !== null) {
      parts.push(`<text class="${latency.tone === 'notable' ? 'text-notable' : 'faint'}" x="${controlRight}" y="${y}" text-anchor="end">${svgText(latency.text)}</text>`)
      textEnd = controlRight
    }
  }
  const bar = barOf(row)
  if (bar !== null) {
    const lane = row.lanes.findIndex((held) => held?.bar === bar)
    parts.push(`<line class="tie" x1="${number(textEnd + 6)}" y1="${y - 4}" x2="${barsLeft + lane * laneWidth}" y2="${y - 4}"/>`)
  }
  if (row.mark !== null) {
    const x = barsLeft + Math.max(1, lanes) * laneWidth + 6
    const label = markWords(row.mark)
    parts.push(line(x, y, cutPieces([label], Math.floor((width - margin - x) / characterWidth)), label.text))
  }
  return parts.join('\n')
}

/** Each bar in pieces, one for each state that it was in. */
function bars(rows: readonly DrawnRow[], top: number): string {
  const parts: string[] = []
  const open = new Map<Bar, { phase: Phase, y: number }>()
  for (const [index, { lanes }] of rows.entries()) {
    const y = top + index * rowHeight + rowHeight / 2
    for (const [at, lane] of lanes.entries()) {
      if (lane === null) continue
      const before = open.get(lane.bar)
      if (before?.phase === lane.phase) continue
      const shape = before === undefined ? undefined : below[before.phase]
      if (shape !== undefined) {
        const x = barsLeft + at * laneWidth + (10 - shape.width) / 2
        parts.push(`<rect class="${kindOf(lane.bar)}${shape.kind}" x="${number(x)}" y="${number(before!.y)}" width="${shape.width}" height="${number(y - before!.y)}"/>`)
      }
      // Bytes that all came at one moment.
      if (lane.phase === 'drained' && before?.phase !== 'flowing') parts.push(`<rect class="${kindOf(lane.bar)} flows" x="${barsLeft + at * laneWidth}" y="${number(y - 4)}" width="10" height="8"/>`)
      open.set(lane.bar, { phase: lane.phase, y })
    }
  }
  return parts.join('\n')
}

/** A line of text, with all of it as a tooltip where it had to be cut. */
function line(x: number, y: number, pieces: readonly Piece[], whole = ''): string {
  const text = pieces.map((piece) => piece.text).join('')
  const spans = pieces.map((piece) => piece.tone === 'plain' ? svgText(piece.text) : `<tspan class="${piece.tone === 'dim' ? 'dim' : `text-${piece.tone}`}">${svgText(piece.text)}</tspan>`)
  const title = whole === '' || whole === text ? '' : `<title>${svgText(whole.slice(0, 2000))}</title>`
  return `<text x="${number(x)}" y="${y}" xml:space="preserve">${title}${spans.join('')}</text>`
}
