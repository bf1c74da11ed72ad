import { WiretapeError } from '../../error.js'
import { parseJsonPath } from './json-path.js'
import type { JsonPath } from './json-path.js'

/**
 * Headers that change from one answer to the next although the server is the same: times (`date`, `age` …), names of the single answer
 * (`x-request-id` …), what belongs to the connection and not to the answer (RFC 9110 §7.6.1), and what follows from the body, which is
 * compared itself (`content-length`, `etag`).
 */
export const ignoredHeaders: readonly string[] = [
  'date', 'age', 'expires', 'etag', 'content-length', 'connection', 'keep-alive', 'transfer-encoding', 'proxy-connection', 'trailer',
  'server-timing', 'x-request-id', 'x-correlation-id', 'x-trace-id', 'x-amzn-trace-id', 'x-amzn-requestid', 'x-amz-request-id', 'x-amz-id-2', 'cf-ray',
  'traceparent', 'tracestate', 'x-b3-traceid', 'x-b3-spanid', 'x-runtime', 'x-response-time', 'x-process-time',
]

/** What isn't compared. */
export interface Ignored {
  /** In lower case. */
  readonly headers: ReadonlySet<string>
  readonly json: readonly JsonPath[]
  readonly status: boolean
  readonly body: boolean
  /** Of FTP replies, only the codes are compared. */
  readonly text: boolean
}

/**
 * Reads `header:NAME` (or the name alone), `json:$.path`, `status`, `body` and `text`.
 * @throws WiretapeError `usage`.
 */
export function readIgnored(words: readonly string[]): Ignored {
  const headers = new Set(ignoredHeaders)
  const json: JsonPath[] = []
  const whole = new Set<string>()
  for (const word of words.flatMap(splitList)) {
    const option = `--ignore ${word}`
    const colon = word.indexOf(':')
    const kind = colon < 0 ? '' : word.slice(0, colon)
    const rest = word.slice(colon + 1)
    if (kind === 'json') json.push(parseJsonPath(rest, option))
    else if (colon < 0 && ['status', 'body', 'text'].includes(word)) whole.add(word)
    else if ((kind === 'header' || kind === '') && /^[!#$%&'*+.^_`|~\w-]+$/.test(rest)) headers.add(rest.toLowerCase())
    else throw new WiretapeError('usage', `${option}: expected header:NAME, json:PATH, status, body or text, such as json:$.timestamp`)
  }
  return { headers, json, status: whole.has('status'), body: whole.has('body'), text: whole.has('text') }
}

/** Commas part them, but not those in a JSON path's brackets, whose names may have any character. */
function splitList(words: unknown): string[] {
  if (typeof words !== 'string') throw new WiretapeError('usage', `ignore: expected a text such as json:$.timestamp, not ${String(words)}`)
  return (words.match(/(?:\[(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\]"'])*\]|[^,])+/g) ?? []).map((word) => word.trim()).filter((word) => word !== '')
}
