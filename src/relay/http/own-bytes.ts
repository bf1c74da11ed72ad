import type { BuiltAnswer } from './answer.js'
import type { Host } from './host.js'

const nothing = Buffer.alloc(0)

/** The client gets an answer that no server gave. */
export function sendAnswer({ tap, down, receivedDown }: Host, message: number, { status, reason, version, headers, head, body }: BuiltAnswer): void {
  tap?.exchange({ message, offset: receivedDown, answer: { status, reason, version, headers, size: body.length } })
  for (const [bytes, kind] of [[head, 'head'], [body, 'body']] as const) {
    if (bytes.length === 0) continue
    tap?.sent('down', receivedDown, 0, bytes, kind)
    down.pass(bytes)
  }
}

/** An answer instead of what was received. The last byte of that stands for the body: head and body keep apart in the recording. */
export function sendInstead({ down }: Host, start: number, end: number, { head, body }: BuiltAnswer): void {
  down.replace(start, end - start - 1, head, 'head')
  down.replace(end - 1, 1, body, 'body')
}

/** A request's head goes nowhere, nor do the empty lines before it. */
export function swallowHead({ up }: Host, lead: Buffer, start: number, end: number): void {
  up.replace(start - lead.length, lead.length, nothing, 'framing')
  up.replace(start, end - start, nothing, 'head')
}
