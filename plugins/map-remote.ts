import { definePlugin, retarget } from 'wiretape'

export default definePlugin({
  name: 'map-remote',
  description: 'Sends some requests, or connections, to another server.',
  options: {
    to: { type: 'string', required: true, description: 'The server: http://host:port, or host:port for TCP and FTP.' },
    path: { type: 'string', default: '/', description: 'HTTP: only where the path begins so.' },
    host: { type: 'boolean', default: true, description: 'HTTP: set Host to the other server.' },
  },
  setup: ({ options: { to, path, host } }) => ({
    connection: { open: (connection) => connection.protocol === 'http' ? undefined : retarget(to) },
    http: {
      request(request) {
        if (!request.path.startsWith(path)) return undefined
        if (host) request.headers.set('Host', to.replace(/^https?:\/\//, ''))
        return retarget(to)
      },
    },
  }),
})
