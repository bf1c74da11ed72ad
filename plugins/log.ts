import { definePlugin } from 'wiretape'

export default definePlugin({
  name: 'log',
  description: 'Prints a line for each message: HTTP requests and responses, FTP commands and replies, DNS queries, connections.',
  options: {
    connections: { type: 'boolean', default: false, description: 'Also connections, as they open and close.' },
  },
  setup: ({ options: { connections }, log }) => ({
    ...(connections ? {
      connection: {
        open: ({ ordinal, protocol, target }) => log(`${protocol} connection ${ordinal} to ${target}`),
        close: ({ connection, reason, bytesUp, bytesDown }) => log(`${connection.protocol} connection ${connection.ordinal}: ${reason}, ${bytesUp} bytes up, ${bytesDown} down`),
      },
    } : {}),
    http: {
      request: ({ method, target }) => log(`${method} ${target}`),
      response: ({ status, reason, request }) => log(`${status} ${reason} to ${request.method} ${request.target}`),
    },
    ftp: {
      command: ({ verb, argument }) => log(verb === 'PASS' || verb === 'ACCT' ? `${verb} ****` : `${verb}${argument === null ? '' : ` ${argument}`}`),
      reply: ({ code, text }) => log(`${code} ${text.split('\n')[0]}`),
    },
    dns: {
      query: ({ name, type }) => log(`${type} ${name}?`),
      answer: ({ name, type, rcode, answers }) => log(`${type} ${name}: ${rcode}, ${answers.length} answers`),
    },
  }),
})
