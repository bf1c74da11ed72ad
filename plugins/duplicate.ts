import { clientMatcher, clientOption, definePlugin, directionMatcher, directionOption, duplicate, picker, selection } from 'wiretape'

export default definePlugin({
  name: 'duplicate',
  description: 'Sends datagrams more than once.',
  options: {
    times: { type: 'number', default: 1, minimum: 1, maximum: 1000, integer: true, description: 'How many more are sent.' },
    ...selection,
    ...directionOption,
    ...clientOption,
  },
  setup({ options, random, shared }) {
    const matches = directionMatcher(options)
    const ofClient = clientMatcher(options)
    const picks = picker(options, { random, shared })
    return {
      udp: { datagram: ({ direction, connection }) => matches(direction) && ofClient(connection) && picks(direction) ? duplicate(options.times) : undefined },
    }
  },
})
