import { definePlugin } from 'wiretape'
import type { HttpBody } from 'wiretape'

export default definePlugin({
  name: 'rewrite-body',
  description: 'Replaces text in HTTP bodies. Content-Encoding, Content-Length and chunking are made right; what is no text stays as it is.',
  options: {
    find: { type: 'string', required: true, description: 'A text, or a regular expression between slashes: /id=(\\d+)/i.' },
    replace: { type: 'string', default: '', description: 'What stands there instead; $1 is the first group.' },
    on: { type: 'string', choices: ['request', 'response'], default: 'response', description: 'Which messages.' },
    path: { type: 'string', default: '/', description: 'Only where the path begins so.' },
  },
  setup({ options: { find, replace, on, path } }) {
    const expression = /^\/(.+)\/([dgimsuvy]*)$/s.exec(find)
    const pattern = expression === null ? find : new RegExp(expression[1]!, expression[2]!.includes('g') ? expression[2] : `${expression[2]}g`)
    const rewrite = (body: HttpBody): void => {
      const before = readText(body)
      if (before === null) return
      // A plain text is put in as it is; "$1" means a group for a pattern alone.
      const after = typeof pattern === 'string' ? before.split(pattern).join(replace) : before.replace(pattern, replace)
      if (after !== before) body.text = after
    }
    return {
      http: on === 'request'
        ? { requestBody: (body, request) => { if (request.path.startsWith(path)) rewrite(body) } }
        : { responseBody: (body, response) => { if (response.request.path.startsWith(path)) rewrite(body) } },
    }
  },
})

/** @returns null where the body is no text. */
function readText(body: HttpBody): string | null {
  try {
    return body.text
  } catch {
    return null
  }
}
