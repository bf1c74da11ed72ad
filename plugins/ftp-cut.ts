import { commandMatcher, commandOptions, definePlugin, directionMatcher, directionOption, picker, selection } from 'wiretape'

export default definePlugin({
  name: 'ftp-cut',
  description: 'Cuts FTP transfers in the middle: the data connection ends on both sides.',
  options: {
    after: { type: 'number', default: 0, minimum: 0, integer: true, description: 'So many bytes come through; a transfer that has no more of them is left alone.' },
    how: { type: 'string', choices: ['close', 'reset'], default: 'close', description: 'How the data connection ends: in order, as if that were all, or not.' },
    ...commandOptions,
    verb: { ...commandOptions.verb, default: ['RETR', 'STOR', 'STOU', 'APPE'], description: 'The transfers of these commands.' },
    ...directionOption,
    ...selection,
  },
  setup({ options, random, shared }) {
    const { after, how } = options
    const matches = commandMatcher(options)
    const inDirection = directionMatcher(options)
    const picks = picker(options, { random, shared })
    return {
      ftp: {
        data({ verb, direction, connection }) {
          if (!matches(verb, connection) || !inDirection(direction) || !picks()) return undefined
          return async function* (chunks, stage) {
            let left = after
            for await (const chunk of chunks) {
              if (chunk.length <= left) {
                yield chunk
                left -= chunk.length
                continue
              }
              if (left > 0) yield chunk.subarray(0, left)
              stage.tell(`${verb} cut after ${after} bytes, data connection ${how === 'close' ? 'closed' : 'reset'}`, { bytes: after })
              if (how === 'close') stage.close()
              else stage.reset()
              return
            }
          }
        },
      },
    }
  },
})
