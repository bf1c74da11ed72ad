import { WiretapeError } from '../../../error.js'
import { parseJsonPath } from '../../compare/json-path.js'
import type { JsonPath } from '../../compare/json-path.js'

/** What is compared of a request with the recorded ones, and what isn't. */
export interface MatchRules {
  readonly method: boolean
  readonly path: boolean
  readonly host: boolean
  readonly query: boolean
  readonly body: boolean
  /** Names, in lower case. */
  readonly headers: readonly string[]
  readonly ignoredQuery: ReadonlySet<string>
  readonly ignoredForm: ReadonlySet<string>
  readonly ignoredJson: readonly JsonPath[]
}

const whole = ['method', 'path', 'query', 'body', 'host'] as const

type Whole = typeof whole[number]

const forms = 'method, path, query, body, host, header:NAME'
const partForms = `${forms}, query:NAME, form:NAME, json:PATH such as json:$.timestamp`

/**
 * @param match the fields that are compared: `method`, `path`, `query`, `body`, `host`, `header:NAME`; the first four where it is absent.
 * @param ignore what of them isn't: those, and `query:NAME`, `form:NAME`, `json:PATH` within the query and the body.
 * @param option what to call it in a message: `--match`.
 * @throws WiretapeError `usage`.
 */
export function readMatchRules(match: readonly string[] | undefined, ignore: readonly string[] | undefined, place = ''): MatchRules {
  const fields: Record<Whole, boolean> = { method: false, path: false, query: false, body: false, host: false }
  const headers: string[] = []
  for (const field of match ?? ['method', 'path', 'query', 'body']) {
    const header = /^header:(.+)$/.exec(field)
    if (header !== null) headers.push(header[1]!.toLowerCase())
    else if (isWhole(field)) fields[field] = true
    else throw new WiretapeError('usage', `${place}--match ${field}: expected ${forms}`)
  }
  const ignoredQuery = new Set<string>()
  const ignoredForm = new Set<string>()
  const ignoredJson: JsonPath[] = []
  for (const part of ignore ?? []) {
    const [, kind, name = ''] = /^(query|form|json|header):(.+)$/.exec(part) ?? []
    if (isWhole(part)) fields[part] = false
    else if (kind === 'query') ignoredQuery.add(name)
    else if (kind === 'form') ignoredForm.add(name)
    else if (kind === 'json') ignoredJson.push(parseJsonPath(name, `${place}--ignore ${part}`))
    else if (kind === 'header') headers.splice(0, headers.length, ...headers.filter((one) => one !== name.toLowerCase()))
    else throw new WiretapeError('usage', `${place}--ignore ${part}: expected ${partForms}`)
  }
  return { ...fields, headers, ignoredQuery, ignoredForm, ignoredJson }
}

function isWhole(text: string): text is Whole {
  return (whole as readonly string[]).includes(text)
}
