import type { Recording } from '../../../recording/recording.js'
import type { HttpExchange } from '../../../recording/rows.js'
import type { MaskedPlaces, Place } from '../../masked-places.js'

/** What was masked in a request before it was recorded. */
export interface MaskedRequest {
  /** Why it can't be sent as it is: with asterisks it would ask for something else. */
  readonly reason: string | null
  /** Names of header fields whose whole values were masked: it is sent with them, and that is told. */
  readonly headers: readonly string[]
}

const nothing: MaskedRequest = { reason: null, headers: [] }

/** Without them, a request has another form. */
const framing = new Set(['content-length', 'transfer-encoding'])

/** Bytes before a masked place in which its name is looked for. */
const longestName = 80

/** @param hostReplaced what `Host` says doesn't matter: it isn't sent. */
export function maskedIn(exchange: HttpExchange, recording: Recording, places: MaskedPlaces, hostReplaced: boolean): MaskedRequest {
  if (!places.told) return guessed(exchange, recording)
  const { id, connectionId, changed } = exchange
  if (!places.any(connectionId)) return nothing
  const head: Buffer[] = []
  const inHead: Place[] = []
  let [headSize, before, reason]: [number, Buffer, string | null] = [0, Buffer.alloc(0), null]
  for (const piece of recording.messagePieces(id, 'request', changed ? 'sent' : 'received')) {
    const found = places.within(connectionId, piece)
    if (piece.kind === 'head') {
      head.push(piece.bytes)
      inHead.push(...found.map(([start, end]) => [start + headSize, end + headSize] as const))
      headSize += piece.bytes.length
    } else if (found.length > 0) {
      const text = Buffer.concat([before, piece.bytes.subarray(0, found[0]![0])]).toString('latin1')
      reason = piece.kind === 'body' ? `its body has a masked value${named(nameBefore(text))}` : 'a trailer of it has a masked value'
      break
    }
    if (piece.kind === 'body') before = piece.bytes.length >= longestName ? piece.bytes.subarray(-longestName) : Buffer.concat([before, piece.bytes]).subarray(-longestName)
  }
  const { reason: first, headers } = inHead.length === 0 ? nothing : maskedHead(Buffer.concat(head).toString('latin1'), inHead, hostReplaced)
  return { reason: first ?? reason, headers }
}

function maskedHead(text: string, places: readonly Place[], hostReplaced: boolean): MaskedRequest {
  const headers: string[] = []
  for (const [start, end] of places) {
    const lineStart = text.lastIndexOf('\n', start) + 1
    const lineEnd = endOfLine(text, end)
    if (text.slice(start, lineEnd).includes('\n')) return { reason: 'several lines of its head have masked values', headers }
    if (lineStart === 0) return { reason: `its target has a masked value${named(nameBefore(text.slice(0, start)))}`, headers }
    const line = text.slice(lineStart, lineEnd)
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase()
    if (name === 'host' && hostReplaced) continue
    const value = [lineStart + colon + 1, lineEnd] as const
    const whole = colon >= 0 && start >= value[0] && text.slice(value[0], start).trim() === '' && text.slice(Math.min(end, lineEnd), lineEnd).trim() === ''
    if (!whole) return { reason: colon < 0 || start < value[0] ? 'its head has a masked line' : `a part of its ${name} header is masked`, headers }
    if (framing.has(name)) return { reason: `its ${name} header is masked`, headers }
    headers.push(name)
  }
  return { reason: null, headers }
}

/** Of the line in which a masked place ends. */
function endOfLine(text: string, end: number): number {
  const found = text.indexOf('\n', end - 1)
  const feed = found < 0 ? text.length : found
  return text[feed - 1] === '\r' ? feed - 1 : feed
}

/** Of a field in JSON or in a form whose value comes next. */
function nameBefore(text: string): string | null {
  const found = /"([^"]{1,64})"\s*:\s*"?$|(?:^|[?&\s])([\w.[\]-]{1,64})=$/.exec(text.slice(-longestName))
  return found?.[1] ?? found?.[2] ?? null
}

function named(name: string | null): string {
  return name === null ? '' : ` (${name})`
}

/** Recordings of earlier versions don't tell what was masked: what looks like it is taken for it. */
function guessed(exchange: HttpExchange, recording: Recording): MaskedRequest {
  const target = /(?:^|&)([\w.[\]-]{1,64})=\*+(?=$|&)/.exec(exchange.query ?? '')
  const headers = exchange.requestHeaders.filter(([, value]) => /^\*{3,}$/.test(value)).map(([name]) => name.toLowerCase())
  if (target !== null) return { reason: `its target has a masked value (${target[1]})`, headers }
  const part = exchange.requestHeaders.find(([, value]) => /\*{3,}/.test(value) && !/^\*+$/.test(value))
  if (part !== undefined) return { reason: `a part of its ${part[0].toLowerCase()} header is masked`, headers }
  const found = /"([^"]{1,64})"\s*:\s*"?\*{3,}|(?:^|[&\s])([\w.-]{1,64})=\*{3,}(?=$|[&\s])/.exec(textOf(exchange, recording))
  return { reason: found === null ? null : `its body has a masked value (${found[1] ?? found[2]})`, headers }
}

/** Bytes of a body that are searched for what looks masked. */
const searched = 1024 * 1024

/** The beginning of a body that may be text: secrets are masked in no other. */
function textOf({ id, requestBodySize, requestType, changed }: HttpExchange, recording: Recording): string {
  if (requestBodySize === 0 || /^(?:image|audio|video|font)\//i.test(requestType ?? '')) return ''
  const pieces: Buffer[] = []
  let size = 0
  for (const { kind, bytes } of recording.messagePieces(id, 'request', changed ? 'sent' : 'received')) {
    if (kind === 'body') pieces.push(bytes)
    size += bytes.length
    if (size > searched) break
  }
  return Buffer.concat(pieces).toString('latin1')
}
