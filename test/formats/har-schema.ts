/** HAR 1.2's required fields and their types (http://www.softwareishard.com/blog/har-12-spec/); what begins with an underscore is anybody's. */

type Kind = 'string' | 'number' | 'boolean' | 'time' | 'url' | Shape | readonly [Shape]
interface Shape { readonly [field: string]: Kind }

const pair: Shape = { 'name': 'string', 'value': 'string' }
const cookie: Shape = { ...pair, 'path?': 'string', 'domain?': 'string', 'expires?': 'time', 'httpOnly?': 'boolean', 'secure?': 'boolean', 'sameSite?': 'string' }
const message: Shape = { httpVersion: 'string', cookies: [cookie], headers: [pair], headersSize: 'number', bodySize: 'number' }

const har: Shape = {
  log: {
    'version': 'string', 'creator': { name: 'string', version: 'string' }, 'pages?': [{}],
    'entries': [{
      'startedDateTime': 'time', 'time': 'number',
      'request': {
        ...message, 'method': 'string', 'url': 'url', 'queryString': [pair],
        'postData?': { 'mimeType': 'string', 'text?': 'string', 'params?': [{ 'name': 'string', 'value?': 'string', 'fileName?': 'string', 'contentType?': 'string' }] },
      },
      'response': {
        ...message, status: 'number', statusText: 'string', redirectURL: 'string',
        content: { 'size': 'number', 'compression?': 'number', 'mimeType': 'string', 'text?': 'string', 'encoding?': 'string' },
      },
      'cache': {}, 'timings': { 'blocked?': 'number', 'dns?': 'number', 'connect?': 'number', 'ssl?': 'number', 'send': 'number', 'wait': 'number', 'receive': 'number' },
      'serverIPAddress?': 'string', 'connection?': 'string',
    }],
  },
}

/** Each breach as one line: a field that is missing, of another type, or not of the specification. */
export function harBreaches(value: unknown): string[] {
  const found = breachesOf(value, har, '$')
  if (found.length > 0) return found
  for (const { time, timings, request, response } of (value as { log: { entries: any[] } }).log.entries) {
    const sum = Object.values(timings as Record<string, number>).filter((part) => part >= 0).reduce((all, part) => all + part, 0)
    if (Math.abs(sum - time) > 0.01) found.push(`time ${time} is not the sum of the timings, ${sum}`)
    for (const part of ['send', 'wait', 'receive']) if (timings[part] < 0) found.push(`timings.${part} is negative`)
    for (const { headersSize, bodySize } of [request, response]) if (headersSize < -1 || bodySize < -1) found.push('a size below -1')
  }
  return found
}

function breachesOf(value: unknown, shape: Kind, at: string): string[] {
  if (Array.isArray(shape)) return Array.isArray(value) ? value.flatMap((one, place) => breachesOf(one, shape[0], `${at}[${place}]`)) : [`${at} is no array`]
  if (typeof shape === 'string') return isKind(value, shape) ? [] : [`${at} is no ${shape}: ${JSON.stringify(value)}`]
  if (typeof value !== 'object' || value === null) return [`${at} is no object`]
  const known = new Set<string>()
  const found: string[] = []
  for (const [name, kind] of Object.entries(shape as Shape)) {
    const field = name.replace('?', '')
    known.add(field)
    const own = (value as Record<string, unknown>)[field]
    if (own !== undefined) found.push(...breachesOf(own, kind, `${at}.${field}`))
    else if (field === name) found.push(`${at}.${field} is missing`)
  }
  for (const name of Object.keys(value)) if (!known.has(name) && !name.startsWith('_')) found.push(`${at}.${name} is not of the specification`)
  return found
}

function isKind(value: unknown, kind: string): boolean {
  if (kind === 'time') return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/.test(value) && !Number.isNaN(Date.parse(value))
  if (kind === 'url') return typeof value === 'string' && URL.canParse(value)
  return typeof value === kind && (kind !== 'number' || Number.isFinite(value))
}
