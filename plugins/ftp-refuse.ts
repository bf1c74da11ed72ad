import { commandMatcher, commandOptions, definePlugin, picker, reply, selection } from 'wiretape'

export default definePlugin({
  name: 'ftp-refuse',
  description: 'Refuses FTP commands; the server doesn\'t get them.',
  options: {
    ...commandOptions,
    verb: { ...commandOptions.verb, required: true, description: 'Which commands, such as STOR+DELE.' },
    code: { type: 'number', default: 550, minimum: 400, maximum: 599, integer: true, description: 'The code of the reply.' },
    text: { type: 'string', default: 'Refused.', description: 'Its text.' },
    ...selection,
  },
  setup({ options, random, shared }) {
    const { code, text } = options
    const matches = commandMatcher(options)
    const picks = picker(options, { random, shared })
    return {
      ftp: { command: ({ verb, connection }) => matches(verb, connection) && picks() ? reply(code, text) : undefined },
    }
  },
})
