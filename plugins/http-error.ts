import { definePlugin, picker, requestMatcher, requestOptions, respond, selection } from 'wiretape'

export default definePlugin({
  name: 'http-error',
  description: 'Answers HTTP requests with an error; the server is not asked.',
  options: {
    status: { type: 'number', default: 503, minimum: 200, maximum: 999, integer: true, description: 'The status of the answer.' },
    body: { type: 'string', default: '', description: 'Its body, a text.' },
    headers: { type: 'list', description: 'Its fields, such as "Retry-After: 5".' },
    ...selection,
    ...requestOptions,
  },
  setup({ options, random, shared }) {
    const { status, body } = options
    const headers = (options.headers ?? []).map(fieldOf)
    const matches = requestMatcher(options)
    const picks = picker(options, { random, shared })
    return {
      http: { request: (request) => matches(request) && picks() ? respond({ status, headers, ...(body === '' ? {} : { body }) }) : undefined },
    }
  },
})

function fieldOf(text: string): readonly [string, string] {
  const colon = text.indexOf(':')
  if (colon < 1) throw new TypeError(`headers: ${JSON.stringify(text)} is no field: expected "Name: value"`)
  const name = text.slice(0, colon).trim()
  const value = text.slice(colon + 1).trim()
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) throw new TypeError(`headers: ${JSON.stringify(name)} is no name of a field: letters, digits and hyphens`)
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) throw new TypeError(`headers: the value of ${name} has a control character, or one beyond Latin-1`)
  return [name, value]
}
