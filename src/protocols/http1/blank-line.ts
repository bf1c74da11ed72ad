import { CR, LF } from './characters.js'

/** Finds the blank line that ends a section, whose bytes may come in any pieces. Looks at each byte once. */
export class BlankLineFinder {
  private lineLength = 0
  private startsWithCr = false

  /** Starts over; the next byte given is the first of a line. */
  reset(): void {
    this.lineLength = 0
    this.startsWithCr = false
  }

  /** Index after the blank line, -1 where it isn't in these bytes. Goes on at `from` where the last call left off. */
  find(bytes: Buffer, from: number): number {
    let lineStart = from
    for (;;) {
      const feed = bytes.indexOf(LF, lineStart)
      if (feed === -1) break
      const length = this.lineLength + feed - lineStart
      const cr = this.lineLength === 0 ? bytes[lineStart] === CR : this.startsWithCr
      this.reset()
      if (length === 0 || (length === 1 && cr)) return feed + 1
      lineStart = feed + 1
    }
    if (lineStart < bytes.length) {
      if (this.lineLength === 0) this.startsWithCr = bytes[lineStart] === CR
      this.lineLength += bytes.length - lineStart
    }
    return -1
  }
}
