import { createHash } from 'node:crypto'
import { canonicalJson, withoutJson } from '../../compare/json-path.js'
import { contentTypeOf, headerText } from './asked-request.js'
import type { AskedRequest } from './asked-request.js'
import type { MatchRules } from './match-rules.js'

/** Up to here a body stands in a key as it is, in characters; beyond, its hash does. */
const mostWritten = 256

/** The query as it is compared: names and values in the order of their names, as they came, without what is ignored. */
export function canonicalQuery(query: string | null, { query: compared, ignoredQuery }: MatchRules): string {
  if (!compared || query === null || query === '') return ''
  const pairs = query.split('&').filter((pair) => pair !== '' && !ignoredQuery.has(nameOf(pair)))
  // Equal names keep their order: it may mean something.
  return pairs.sort((a, b) => {
    const [one, other] = [nameOf(a), nameOf(b)]
    return one < other ? -1 : one > other ? 1 : 0
  }).join('&')
}

/** The body as it is compared: a text that is the same for bodies that are taken for equal. */
export function canonicalBody(request: AskedRequest, rules: MatchRules): string {
  const { body } = request
  if (!rules.body || body.size === 0) return ''
  const { bytes } = body
  if (bytes === null) return `sha256:${body.digest}`
  const type = contentTypeOf(request).toLowerCase()
  if (rules.ignoredJson.length > 0) {
    const json = readJson(bytes, rules)
    if (json !== null) return keyOf('json', json)
  }
  if (rules.ignoredForm.size > 0 && type.startsWith('application/x-www-form-urlencoded')) {
    return keyOf('form', bytes.toString('latin1').split('&').filter((pair) => !rules.ignoredForm.has(nameOf(pair))).join('&'))
  }
  const boundary = /^multipart\/.*;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentTypeOf(request))
  // A client draws a new one for each request, which says nothing about what is sent.
  if (boundary !== null) return keyOf('multipart', bytes.toString('latin1').split(`--${boundary[1] ?? boundary[2]!}`).join('--'))
  return bytes.length <= mostWritten ? `bytes:${bytes.toString('latin1')}` : `sha256:${body.digest}`
}

/** What a request is found by besides its method, path, query and body. */
export function canonicalFields(request: AskedRequest, rules: MatchRules): string {
  const { host, headers } = request
  const byHost = comparesHost(request, rules)
  if (!byHost && rules.headers.length === 0) return ''
  return JSON.stringify([byHost ? host?.toLowerCase() ?? null : null, ...rules.headers.map((name) => headerText(headers, name))])
}

/** Where a tunnel leads is all that a CONNECT asks for. */
export function comparesHost({ method }: Pick<AskedRequest, 'method'>, rules: MatchRules): boolean {
  return rules.host || (method === 'CONNECT' && rules.path)
}

/** Keys are remembered by the thousand. */
function keyOf(kind: string, text: string): string {
  return text.length <= mostWritten ? `${kind}:${text}` : `${kind}:sha256:${createHash('sha256').update(text).digest('hex')}`
}

/** As it is written: `a%20b` and `a+b` stay what they are. */
export function nameOf(pair: string): string {
  const equals = pair.indexOf('=')
  return equals < 0 ? pair : pair.slice(0, equals)
}

/** @returns null where it is no JSON, or nested too deeply to be compared as such. */
function readJson(bytes: Buffer, { ignoredJson }: MatchRules): string | null {
  try {
    return canonicalJson(withoutJson(JSON.parse(bytes.toString()), ignoredJson))
  } catch {
    return null
  }
}
