import { definePlugin } from 'wiretape'

export default definePlugin({
  name: 'remove-header',
  description: 'Removes a header of HTTP requests or responses, however often it is there.',
  options: {
    name: { type: 'string', required: true, description: 'The header.' },
    on: { type: 'string', choices: ['request', 'response'], default: 'request', description: 'Which messages.' },
    path: { type: 'string', default: '/', description: 'Only where the path begins so.' },
  },
  setup: ({ options: { name, on, path } }) => ({
    http: on === 'request'
      ? { request: (request) => { if (request.path.startsWith(path)) request.headers.delete(name) } }
      : { response: (response) => { if (response.request.path.startsWith(path)) response.headers.delete(name) } },
  }),
})
