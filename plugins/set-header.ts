import { definePlugin } from 'wiretape'

export default definePlugin({
  name: 'set-header',
  description: 'Sets a header of HTTP requests or responses: in its place where there is one, else at the end.',
  options: {
    name: { type: 'string', required: true, description: 'The header.' },
    value: { type: 'string', required: true, description: 'Its value.' },
    on: { type: 'string', choices: ['request', 'response'], default: 'request', description: 'Which messages.' },
    path: { type: 'string', default: '/', description: 'Only where the path begins so.' },
  },
  setup: ({ options: { name, value, on, path } }) => ({
    http: on === 'request'
      ? { request: (request) => { if (request.path.startsWith(path)) request.headers.set(name, value) } }
      : { response: (response) => { if (response.request.path.startsWith(path)) response.headers.set(name, value) } },
  }),
})
