import { clientMatcher, clientOption, definePlugin, delay, directionMatcher, directionOption, picker, selection } from 'wiretape'

export default definePlugin({
  name: 'udp-delay',
  description: 'Holds datagrams back, each by itself: one that waits longer is overtaken, as on a network with many ways.',
  options: {
    ms: { type: 'number', required: true, minimum: 0, maximum: 3_600_000, description: 'How long, in ms.' },
    jitter: { type: 'number', default: 0, minimum: 0, maximum: 3_600_000, description: 'Up to so much more or less, in ms, evenly spread; without it, those that wait keep their order.' },
    ...selection,
    ...directionOption,
    ...clientOption,
  },
  setup({ options, random, shared }) {
    const { ms, jitter } = options
    const matches = directionMatcher(options)
    const ofClient = clientMatcher(options)
    const picks = picker(options, { random, shared })
    return {
      udp: {
        datagram({ direction, connection }) {
          if (!matches(direction) || !ofClient(connection) || !picks(direction)) return undefined
          const drawn = jitter === 0 ? 0 : Math.round((random(`jitter ${direction}`) * 2 - 1) * jitter)
          return delay(Math.max(0, ms + drawn))
        },
      },
    }
  },
})
