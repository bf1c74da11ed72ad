import { close, commandMatcher, commandOptions, definePlugin, delay, directionMatcher, directionOption, picker, reply, reset, selection } from 'wiretape'

const uploads = ['STOR', 'STOU', 'APPE']
const transfers = ['RETR', ...uploads, 'LIST', 'NLST', 'MLSD']

export default definePlugin({
  name: 'ftp-data',
  description: 'Refuses FTP data connections, ends them before their first byte, or holds them back.',
  options: {
    how: {
      type: 'string', choices: ['refuse', 'close', 'reset', 'delay'], default: 'refuse',
      description: 'refuse: the command is answered with 425, and the server doesn\'t get it. close, reset: the data connection comes, and ends. delay: it waits.',
    },
    ms: { type: 'number', default: 1000, minimum: 0, maximum: 3_600_000, description: 'delay: how long, in ms.' },
    ...commandOptions,
    verb: { ...commandOptions.verb, default: transfers, description: 'Those of these commands.' },
    ...directionOption,
    ...selection,
  },
  setup({ options, random, shared }) {
    const { how, ms } = options
    const matches = commandMatcher(options)
    const inDirection = directionMatcher(options)
    const picks = picker(options, { random, shared })
    if (how === 'refuse') {
      return {
        ftp: {
          command: ({ verb, connection }) => transfers.includes(verb) && matches(verb, connection) && inDirection(uploads.includes(verb) ? 'up' : 'down') && picks()
            ? reply(425, 'Can\'t open data connection.') : undefined,
        },
      }
    }
    return {
      ftp: {
        transfer({ verb, direction, connection }) {
          if (!matches(verb, connection) || !inDirection(direction) || !picks()) return undefined
          return how === 'delay' ? delay(ms) : how === 'close' ? close() : reset()
        },
      },
    }
  },
})
