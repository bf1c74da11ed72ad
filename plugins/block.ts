import { close, definePlugin, reply, reset, respond } from 'wiretape'

export default definePlugin({
  name: 'block',
  description: 'Refuses what matches: HTTP requests by path, FTP commands by verb, connections altogether.',
  options: {
    path: { type: 'string', description: 'HTTP: requests whose path begins so.' },
    status: { type: 'number', default: 403, minimum: 200, maximum: 599, integer: true, description: 'HTTP: the answer.' },
    verb: { type: 'list', description: 'FTP: commands with these verbs, such as DELE+RMD.' },
    code: { type: 'number', default: 550, minimum: 400, maximum: 599, integer: true, description: 'FTP: the answer.' },
    connections: { type: 'string', choices: ['none', 'close', 'reset'], default: 'none', description: 'What is done to every connection.' },
  },
  setup({ options: { path, status, verb, code, connections } }) {
    const verbs = new Set(verb?.map((one) => one.toUpperCase()))
    return {
      ...(connections === 'none' ? {} : { connection: { open: () => connections === 'close' ? close() : reset() } }),
      ...(path === undefined ? {} : { http: { request: (request) => request.path.startsWith(path) ? respond({ status, body: 'blocked\n' }) : undefined } }),
      ...(verbs.size === 0 ? {} : { ftp: { command: (command) => verbs.has(command.verb) ? reply(code, `${command.verb} is blocked.`) : undefined } }),
    }
  },
})
