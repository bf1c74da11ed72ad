import { commandMatcher, commandOptions, definePlugin, picker, reply, selection } from 'wiretape'

export default definePlugin({
  name: 'ftp-late-error',
  description: 'Tells FTP clients that a transfer failed, after all of it has come.',
  options: {
    code: { type: 'number', default: 426, minimum: 400, maximum: 599, integer: true, description: 'The code that stands in the place of 226 and 250.' },
    text: { type: 'string', default: 'Connection closed; transfer aborted.', description: 'The text of the reply.' },
    ...commandOptions,
    verb: { ...commandOptions.verb, default: ['RETR', 'STOR', 'STOU', 'APPE', 'LIST', 'NLST', 'MLSD'], description: 'After these commands.' },
    ...selection,
  },
  setup({ options, random, shared }) {
    const matches = commandMatcher(options)
    const picks = picker(options, { random, shared })
    return {
      ftp: {
        reply: ({ code, command, connection }) => (code === 226 || code === 250) && command !== null && matches(command.verb, connection) && picks()
          ? reply(options.code, options.text) : undefined,
      },
    }
  },
})
