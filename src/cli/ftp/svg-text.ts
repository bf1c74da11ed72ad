import { printableLine } from '../escape.js'

/** Text for SVG: what has a meaning in XML is escaped, what XML can't hold is spelt out or replaced. */
export function svgText(text: string): string {
  return printableLine(text)
    .replace(/\p{Cs}|[\ufffe\uffff]/gu, '\ufffd')
    .replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll('\'', '&#39;')
}

/** Coordinates to a tenth: more only makes the file larger. */
export function number(value: number): string {
  return String(Math.round(value * 10) / 10)
}
