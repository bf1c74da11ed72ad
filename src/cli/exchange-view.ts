import { colour as pc } from './colour.js'
import type { HttpExchange, Recording, Side } from '../index.js'
import { finalHead, headFields } from '../formats/export/head.js'
import { contentEncoding } from '../protocols/content/coding.js'
import { firstHeader } from '../protocols/http1/index.js'
import { bodyView } from './body-view.js'
import { printableLine, printableText } from './escape.js'
import { sentBodyView } from './sent-body-view.js'
import { formatBytes, formatDuration, formatTime } from './units.js'

/** An exchange the way people know it: request head and body, response head and body, each line safe to print. */
export async function* exchangeView(recording: Recording, id: number): AsyncGenerator<string> {
  const exchange = recording.exchange(id)
  yield pc.dim(facts(recording, exchange))
  if (exchange.error !== null) yield pc.red(printableLine(exchange.error))
  if (exchange.framingFlags.length > 0) yield pc.yellow(`read differently by others: ${exchange.framingFlags.join(', ')}`)
  for (const side of ['request', 'response'] as const) {
    yield ''
    yield* messageView(recording, exchange, side)
  }
  const { up, down } = recording.undecodedAfter(exchange)
  if (up + down > 0) {
    yield ''
    yield pc.dim(`[then ${formatBytes(up)} up, ${formatBytes(down)} down, not decoded: wiretape show ${exchange.connectionId}]`)
  }
  const events = [...recording.events({ where: `message_id = ${id}` })]
  if (events.length > 0) yield ''
  for (const event of events) yield pc.yellow(`${formatTime(event.time)} ${event.source} ${event.kind}: ${printableLine(event.text)}`)
}

async function* messageView(recording: Recording, exchange: HttpExchange, side: Side): AsyncGenerator<string> {
  const received = recording.head(exchange.id, side)
  const sent = exchange.changed ? recording.head(exchange.id, side, 'sent') : received
  if (received.length === 0 && sent.length === 0) {
    yield pc.dim(`[no ${side}]`)
    return
  }
  if (exchange.changed && sent.length === 0) yield pc.red(`[this ${side} went no further]`)
  if (received.length === 0) yield pc.green('[the relay\'s own: no server said this]')
  if (sent.length === 0 || received.equals(sent)) yield* headLines(received)
  else yield* difference(received.length === 0 ? [] : headLines(received), headLines(sent))
  const [fields, type, size] = side === 'request'
    ? [exchange.requestHeaders, exchange.requestType, exchange.requestBodySize] as const
    : [exchange.responseHeaders, exchange.responseType, exchange.responseBodySize] as const
  const coding = contentEncoding(fields)
  if (size > 0 && received.length > 0) {
    yield ''
    yield* bodyView(recording.body(exchange.id, side), { size, type, coding, whole: `wiretape show ${exchange.id} --body ${side}` })
  }
  if (exchange.changed && sent.length > 0) {
    const fields = headFields(finalHead(sent))
    const facts = { type: firstHeader(fields, 'content-type') ?? null, coding: contentEncoding(fields), whole: `wiretape show ${exchange.id} --body ${side} --sent` }
    yield* sentBodyView((leg) => recording.body(exchange.id, side, leg), facts)
  }
  for (const [name, value] of side === 'request' ? exchange.requestTrailers : exchange.responseTrailers) {
    yield pc.dim(`trailer ${printableLine(`${name}: ${value}`)}`)
  }
}

function facts(recording: Recording, exchange: HttpExchange): string {
  const { client, server } = recording.connection(exchange.connectionId)
  const parts = [
    `exchange ${exchange.id}`, formatTime(exchange.started),
    exchange.durationMs === null ? 'still open' : `took ${formatDuration(exchange.durationMs)}`,
    ...(exchange.firstByteMs === null ? [] : [`first byte after ${formatDuration(exchange.firstByteMs)}`]),
    `${formatBytes(exchange.requestBodySize)} up, ${formatBytes(exchange.responseBodySize)} down`,
    `${client?.host ?? '?'}:${client?.port ?? '?'} → ${server === null ? '?' : `${server.host}:${server.port}`}`,
  ]
  return parts.join(' · ')
}

/** Header values are bytes; UTF-8 where they are that, else latin1. */
function headLines(head: Buffer): string[] {
  const utf8 = head.toString('utf8')
  const text = utf8.includes('�') ? head.toString('latin1') : utf8
  return printableText(text).replace(/\n+$/, '').split('\n')
}

/** What came in and what went out instead, line by line. */
function* difference(received: string[], sent: string[]): Generator<string> {
  const kept = new Set(sent)
  const before = new Set(received)
  let next = 0
  for (const line of received) {
    if (kept.has(line)) {
      while (next < sent.length && sent[next] !== line) if (!before.has(sent[next]!)) yield pc.green(`+ ${sent[next++]!}`); else next++
      next++
      yield `  ${line}`
    } else {
      yield pc.red(`- ${line}`)
    }
  }
  for (; next < sent.length; next++) if (!before.has(sent[next]!)) yield pc.green(`+ ${sent[next]!}`)
}
