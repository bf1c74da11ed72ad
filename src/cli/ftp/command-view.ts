import { colour as pc } from '../colour.js'
import type { FtpCommandRecord, Recording } from '../../index.js'
import { printableLine, printableText } from '../escape.js'
import { formatDuration, formatTime } from '../units.js'

/** A command with every reply to it and how long each took. */
export function* commandView(recording: Recording, command: FtpCommandRecord): Generator<string> {
  const { id, sessionId, started, latencyMs, verb, argument, path, transferId, code, text, changed, error } = command
  yield pc.dim([
    `command ${id}`, `session ${sessionId}`, formatTime(started),
    latencyMs === null ? 'no reply yet' : `took ${formatDuration(latencyMs)}`,
    ...(path === null ? [] : [`path ${printableLine(path)}`]), ...(transferId === null ? [] : [`transfer ${transferId}`]),
  ].join(' · '))
  if (error !== null) yield pc.red(printableLine(error))
  yield ''
  yield printableLine(`→ ${argument === null ? verb : `${verb} ${argument}`}`)
  for (const reply of recording.ftpReplies({ where: `command_id = ${id}` })) {
    yield* replyLines(reply.code, reply.text, `after ${formatDuration((reply.time - started) / 1000)}`)
  }
  if (changed && code !== null) yield* replyLines(code, text ?? '', 'what the client got instead')
}

function* replyLines(code: number, text: string, note: string): Generator<string> {
  const [first = '', ...more] = printableText(text).split('\n')
  const line = `← ${code} ${first}`
  yield `${code >= 400 ? pc.red(line) : line}  ${pc.dim(note)}`
  for (const next of more) yield `      ${next}`
}
