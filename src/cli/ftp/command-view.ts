import { colour as pc } from '../colour.js'
import type { FtpCommandRecord, Recording } from '../../index.js'
import { printableLine, printableText } from '../escape.js'
import { formatDuration, formatTime } from '../units.js'
import { nothingInstead, sentInstead } from './sent-instead.js'

const nothing = '[nothing]'
const insteadOfReply = 'what the client got instead'

/** A command with every reply to it and how long each took. */
export function* commandView(recording: Recording, command: FtpCommandRecord): Generator<string> {
  const { id, sessionId, connectionId, started, latencyMs, verb, argument, path, transferId, error } = command
  yield pc.dim([
    `command ${id}`, `session ${sessionId}`, formatTime(started),
    latencyMs === null ? 'no reply yet' : `took ${formatDuration(latencyMs)}`,
    ...(path === null ? [] : [`path ${printableLine(path)}`]), ...(transferId === null ? [] : [`transfer ${transferId}`]),
  ].join(' · '))
  if (error !== null) yield pc.red(printableLine(error))
  const instead = sentInstead(recording, connectionId, id).get(id) ?? nothingInstead
  yield ''
  yield printableLine(`→ ${argument === null ? verb : `${verb} ${argument}`}`)
  if (instead.command !== null) yield `→ ${instead.command === '' ? nothing : printableLine(instead.command)}  ${pc.dim('what the server got instead')}`
  for (const reply of recording.ftpReplies({ where: `command_id = ${id}` })) {
    yield* replyLines(reply.code, reply.text, `after ${formatDuration((reply.time - started) / 1000)}`)
  }
  for (const reply of instead.replies) {
    if (reply.code === null) yield `← ${nothing}  ${pc.dim(insteadOfReply)}`
    else yield* replyLines(reply.code, reply.text, insteadOfReply)
  }
  yield* pluginLines(recording, `message_id = ${id}`)
}

/** What plugins did, and which. */
export function* pluginLines(recording: Recording, where: string): Generator<string> {
  const events = [...recording.events({ where: `${where} AND hook IS NOT NULL` })]
  if (events.length > 0) yield ''
  for (const { time, source, kind, text } of events) yield pc.yellow(`${formatTime(time)} ${source} ${kind}: ${printableLine(text)}`)
}

function* replyLines(code: number, text: string, note: string): Generator<string> {
  const [first = '', ...more] = printableText(text).split('\n')
  const line = `← ${code} ${first}`
  yield `${code >= 400 ? pc.red(line) : line}  ${pc.dim(note)}`
  for (const next of more) yield `      ${next}`
}
