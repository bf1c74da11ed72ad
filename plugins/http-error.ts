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
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
}
