import type { HarBody } from './har-body.js'
import type { HarEntry, HarFields } from './har-entry.js'

/** A message as HTTP/1 has it, made of what a HAR says of it. */
export interface WrittenMessage {
  readonly head: Buffer
  readonly body: Buffer
  /** Bytes of the body that the HAR tells of and doesn't have. */
  readonly missing: number
  /** Why nothing of the body is known, in words; null where it is. */
  readonly unknown: string | null
  /** What isn't as it was on the wire, in words. */
  readonly changed: readonly string[]
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Of the wire's body; a HAR has it decoded. */
const framing: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'content-encoding'])

/** @returns null where it can't be written as HTTP. @param target as in the request line. @param authority for a request without Host. */
export function writeRequest(entry: HarEntry, target: string, authority: string): WrittenMessage | null {
  const { method, requestHeaders, requestBody, requestVersion } = entry
  if (!token.test(method)) return null
  const { bytes, missing, unknown } = requestBody
  const length = bytes.length + missing
  const isBare = length === 0
  const { fields, changed } = writable(requestHeaders, (name, value) => isBare || !framing.has(name) || isLength(name, value, length))
  changed.push(...requestBody.rewritten)
  const withHost = fields.some(([name]) => name.toLowerCase() === 'host') ? fields : [['Host', authority] as const, ...fields]
  const framed = isBare ? withoutFraming(withHost, changed, 'request') : withLength(withHost, requestHeaders, length, changed, 'request')
  return { head: headOf(`${method} ${target} ${versionOf(requestVersion, changed)}`, relabelled(framed, requestBody)), body: bytes, missing, unknown, changed }
}

export function writeResponse({ method, status, reason, responseVersion, responseHeaders, responseBody }: HarEntry): WrittenMessage {
  const line = (changed: string[]): string => `${versionOf(responseVersion, changed)} ${status} ${oneLine(reason)}`
  // RFC 9112 §6.3: whatever these say of a body, there is none.
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) {
    const { fields, changed } = writable(responseHeaders, () => true)
    return { head: headOf(line(changed), fields), body: Buffer.alloc(0), missing: 0, unknown: null, changed }
  }
  const { bytes, missing, unknown } = responseBody
  const length = bytes.length + missing
  const { fields, changed } = writable(responseHeaders, (name, value) => !framing.has(name) || isLength(name, value, length))
  changed.push(...responseBody.rewritten)
  return { head: headOf(line(changed), relabelled(withLength(fields, responseHeaders, length, changed, 'response'), responseBody)), body: bytes, missing, unknown, changed }
}

/** Who reads a body by its type is to find what it says. */
function relabelled(fields: HarFields, { isRelabelled }: HarBody): HarFields {
  if (!isRelabelled) return fields
  return fields.map(([name, value]) => [name, name.toLowerCase() === 'content-type' ? value.replace(/(;\s*charset\s*=\s*)(?:"[^"]*"|[^";\s]+)/i, '$1utf-8') : value] as const)
}

/** Without what HTTP/1 can't have: HTTP/2's own fields, names that are none. */
function writable(all: HarFields, keeps: (name: string, value: string) => boolean): { fields: HarFields, changed: string[] } {
  const kept = all.filter(([name, value]) => keeps(name.toLowerCase(), value) && !name.startsWith(':'))
  const fields = kept.filter(([name]) => token.test(name))
  return { fields, changed: fields.length === kept.length ? [] : ['header fields whose names can\'t be on the wire are left out'] }
}

/** Without a body, nothing may tell of one: who reads it would wait for it. */
function withoutFraming(fields: HarFields, changed: string[], side: string): HarFields {
  const left = fields.filter(([name, value]) => name.toLowerCase() !== 'transfer-encoding' && (name.toLowerCase() !== 'content-length' || value.trim() === '0'))
  if (left.length < fields.length) changed.push(`the ${side}'s body is not in the HAR`)
  return left
}

function withLength(fields: HarFields, original: HarFields, length: number, changed: string[], side: string): HarFields {
  const told = new Map(original.map(([name, value]) => [name.toLowerCase(), value]))
  const dropped = ['content-encoding', 'transfer-encoding'].filter((name) => told.has(name))
  const before = told.get('content-length')
  if (dropped.length > 0 || (before !== undefined && before !== String(length))) {
    changed.push(`the HAR has the ${side}'s body decoded: ${[...dropped.map((name) => `${name} (${oneLine(told.get(name)!)}) is left out`), `content-length is ${length}`].join(', ')}`)
  }
  return fields.some(([name]) => name.toLowerCase() === 'content-length') ? fields : [...fields, ['Content-Length', String(length)]]
}

/** What says the body's length as it is may stay as it is. */
function isLength(name: string, value: string, length: number): boolean {
  return name === 'content-length' && value.trim() === String(length)
}

function versionOf(text: string, changed: string[]): string {
  if (/^http\/1\.0$/i.test(text)) return 'HTTP/1.0'
  if (text !== '' && !/^(http\/1\.1|unknown)$/i.test(text)) changed.push(`it was ${oneLine(text)}: written as HTTP/1.1`)
  return 'HTTP/1.1'
}

function headOf(line: string, fields: HarFields): Buffer {
  const text = [line, ...fields.map(([name, value]) => `${name}: ${oneLine(value)}`), '', ''].join('\r\n')
  // oxlint-disable-next-line no-control-regex
  return Buffer.from(text, /^[\u0000-\u00ff]*$/.test(text) ? 'latin1' : 'utf8')
}

/** What would end the line early, and begin another of its own making. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\0]+/g, ' ').slice(0, 60_000)
}
