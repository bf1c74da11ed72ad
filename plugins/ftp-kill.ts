import { close, commandMatcher, commandOptions, definePlugin, picker, reset, selection } from 'wiretape'

export default definePlugin({
  name: 'ftp-kill',
  description: 'Ends FTP control connections at a command.',
  options: {
    ...commandOptions,
    verb: { ...commandOptions.verb, required: true, description: 'At which commands, such as RETR+STOR.' },
    when: { type: 'string', choices: ['before', 'after'], default: 'before', description: 'Before the command is sent on, or after it: when the server answers, which the client doesn\'t get to hear.' },
    how: { type: 'string', choices: ['close', 'reset'], default: 'close', description: 'In order, or not.' },
    ...selection,
  },
  setup({ options, random, shared }) {
    const { when, how } = options
    const matches = commandMatcher(options)
    const picks = picker(options, { random, shared })
    const end = (): ReturnType<typeof close | typeof reset> => how === 'close' ? close() : reset()
    // A preliminary reply and the final one are to the same command, which is picked or not.
    const decided = new WeakSet()
    return {
      ftp: when === 'before' ? {
        command: ({ verb, connection }) => matches(verb, connection) && picks() ? end() : undefined,
      } : {
        reply({ command, connection }) {
          if (command === null || decided.has(command) || !matches(command.verb, connection)) return undefined
          decided.add(command)
          return picks() ? end() : undefined
        },
      },
    }
  },
})
