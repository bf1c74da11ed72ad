import { existsSync } from 'node:fs'
import { WiretapeError } from '../../error.js'
import { openRecording } from '../../index.js'
import type { FtpSession, Recording } from '../../index.js'
import { printableJson, printableLine } from '../escape.js'
import { Output } from '../output.js'
import { terminalColumns, terminalPaint } from './paint.js'
import { layOut } from './picture.js'
import { sessionJson } from './session-json.js'
import { sessionList } from './session-list.js'
import { readStory } from './story.js'
import { svgPicture } from './svg-picture.js'
import { textPicture } from './text-picture.js'
import { writeReport } from './report-file.js'

/** Up to so many sessions are all drawn where none was named; of more, a list is the better answer. */
const fewSessions = 4

export interface FtpArguments {
  /** `[FILE] [SESSION]`. */
  readonly words: readonly string[]
  readonly full: boolean
  readonly json: boolean
  readonly svg: string | undefined
  readonly overwrite: boolean
}

export function ftp({ words, full, json, svg, overwrite }: FtpArguments): void {
  if (json && svg !== undefined) throw new WiretapeError('usage', '--json and --svg exclude each other: one goes to stdout, the other to a file')
  const { file, id } = readWords(words)
  using recording = openRecording(file)
  const sessions = id === null ? [...recording.ftpSessions()] : [sessionOf(recording, id)]
  const output = new Output()
  if (json) {
    for (const session of sessions) output.line(printableJson(sessionJson(readStory(recording, session))))
  } else if (sessions.length === 0) {
    throw new WiretapeError('not-found', `there is no FTP session in ${printableLine(recording.path)}`)
  } else if (svg !== undefined) {
    writeReport(svg, svgPicture(sessions.map((session) => layOut(readStory(recording, session), full))), overwrite)
    output.line(`${sessions.length === 1 ? '1 session' : `${sessions.length} sessions`} drawn in ${printableLine(svg)}`)
  } else {
    draw(recording, sessions, full, output)
  }
  output.flush()
}

function draw(recording: Recording, sessions: readonly FtpSession[], full: boolean, output: Output): void {
  const columns = terminalColumns()
  const paint = terminalPaint()
  if (sessions.length > 1) for (const line of sessionList(sessions, columns, paint)) output.line(line)
  if (sessions.length > fewSessions) {
    output.line(paint.dim(`one of them: wiretape ftp ${printableLine(recording.path)} ${sessions[0]!.id}`))
    return
  }
  for (const [index, session] of sessions.entries()) {
    if (index > 0 || sessions.length > 1) output.line('')
    for (const line of textPicture(layOut(readStory(recording, session), full), columns, paint)) output.line(line)
  }
}

/** One word is a recording, or, where it is a number and no file has that name, a session of the newest one. */
function readWords(words: readonly string[]): { file: string | undefined, id: number | null } {
  if (words.length > 2) throw new WiretapeError('usage', 'ftp takes [FILE] [SESSION]: at most two words')
  const [first, second] = words
  if (first === undefined) return { file: undefined, id: null }
  if (second !== undefined) return { file: first, id: readId(second) }
  return isNumber(first) && !existsSync(first) ? { file: undefined, id: readId(first) } : { file: first, id: null }
}

function isNumber(word: string): boolean {
  return /^\d{1,15}$/.test(word)
}

function readId(word: string): number {
  if (!isNumber(word)) throw new WiretapeError('usage', `SESSION ${printableLine(word)}: expected a session's number, as wiretape ls prints it`)
  return Number(word)
}

/** A session by its id, or by that of a command, of a transfer or of its control connection: any of them says which session is meant. */
function sessionOf(recording: Recording, id: number): FtpSession {
  const where = `id = ${id}`
  const [part] = [...recording.ftpCommands({ where }), ...recording.ftpTransfers({ where })]
  const [session] = recording.ftpSessions({ where: part === undefined ? `id = ${id} or connection_id = ${id}` : `id = ${part.sessionId}` })
  if (session !== undefined) return session
  const some = [...recording.ftpSessions({ limit: 10 })].map((one) => one.id)
  throw new WiretapeError('not-found', `there is no FTP session ${id} in ${printableLine(recording.path)}; ${some.length === 0 ? 'it has none' : `there are ${some.join(', ')}${some.length === 10 ? ' …' : ''}`}`)
}
