import type { HeaderFields } from '../../recording/rows.js'

export interface StatusHead {
  readonly version: string
  readonly status: number
  readonly reason: string
  readonly headers: HeaderFields
}

/** The last of the heads that a recording keeps together: what comes before it are informational responses'. */
export function finalHead(heads: Buffer): Buffer {
  const text = heads.toString('latin1')
  let start = 0
  for (const { 0: blank, index } of text.matchAll(/\r?\n\r?\n/g)) if (index + blank.length < text.length) start = index + blank.length
  return start === 0 ? heads : heads.subarray(start)
}

/** The lines of a head, without the start line. Folded ones (RFC 9112 §5.2) stay with what they continue. */
export function fieldLines(head: Buffer): string[] {
  return head.toString('latin1').trimEnd().split(/\r?\n(?![ \t])/).slice(1)
}

/** A response head as plugins left it: what the row says is of the one that was received. */
export function readStatusHead(head: Buffer): StatusHead | null {
  const line = /^HTTP\/(\d+\.\d+)[ \t]+(\d{3})[ \t]*([^\r\n]*)/.exec(head.toString('latin1'))
  if (line === null) return null
  return { version: line[1]!, status: Number(line[2]), reason: line[3]!, headers: headFields(head) }
}

/** The fields of a head as plugins left it. */
export function headFields(head: Buffer): HeaderFields {
  return fieldLines(head).flatMap((field) => {
    const colon = field.indexOf(':')
    return colon < 1 ? [] : [[field.slice(0, colon), field.slice(colon + 1).replaceAll(/\r?\n[ \t]+/g, ' ').trim()] as const]
  })
}

/** Text of a head for people: its bytes are UTF-8 where they are that, else latin1, as which it is recorded. */
export function headText(latin1: string): string {
  if (!/[\u0080-\u00ff]/.test(latin1)) return latin1
  const utf8 = Buffer.from(latin1, 'latin1').toString('utf8')
  return utf8.includes('�') ? latin1 : utf8
}
