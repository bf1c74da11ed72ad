import { LF } from './characters.js'
import type { Fields } from './fields.js'

const LIMIT = 4 * 1024
const NONE = Buffer.alloc(0)

/**
 * The last header section of a direction. On a connection that's kept alive most sections repeat byte for byte, and
 * comparing bytes costs a fraction of finding the blank line and reading the fields.
 */
export class FieldsMemo {
  /** As large as was needed: there are as many of these as connections, twice. */
  private bytes = NONE
  private length = 0
  private fields: Fields | undefined

  /** What was read from the same bytes before, undefined where they differ. `Fields.length` says how long they are. */
  recall(bytes: Buffer, start: number): Fields | undefined {
    const length = this.length
    const end = start + length
    // A look at the last byte rejects most sections of another length without a call into native code.
    if (length === 0 || end > bytes.length || bytes[end - 1] !== LF) return undefined
    return bytes.compare(this.bytes, 0, length, start, end) === 0 ? this.fields : undefined
  }

  remember(bytes: Buffer, start: number, fields: Fields): void {
    if (fields.length > LIMIT) return
    if (fields.length > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(Math.min(LIMIT, fields.length * 2))
    bytes.copy(this.bytes, 0, start, start + fields.length)
    this.length = fields.length
    this.fields = fields
  }
}
