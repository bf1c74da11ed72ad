import { WiretapeError, reasonOf } from '../../error.js'
import { jsonAnswer } from '../answer.js'
import type { Answer } from '../answer.js'
import { writeJson } from '../json-text.js'
import { BodyTooLarge } from '../read-body.js'

const statuses: Readonly<Record<string, number>> = { 'usage': 400, 'not-found': 404, 'exists': 409, 'bind': 409 }

/** `{"error": a sentence, "code": a word}`. */
export function errorAnswer(thrown: unknown): Answer {
  if (thrown instanceof BodyTooLarge) return errorOf(413, thrown.message, 'usage')
  if (!(thrown instanceof WiretapeError)) return errorOf(500, reasonOf(thrown), 'failed')
  return errorOf(statuses[thrown.code] ?? 500, thrown.message, thrown.code)
}

export function errorOf(status: number, message: string, code: string): Answer {
  return jsonAnswer(status, `{"error":${writeJson(message)},"code":${writeJson(code)}}\n`)
}
