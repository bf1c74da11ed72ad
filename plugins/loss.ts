import { clientMatcher, clientOption, definePlugin, directionMatcher, directionOption, drop, picker, selection } from 'wiretape'

export default definePlugin({
  name: 'loss',
  description: 'Loses datagrams: each by itself, or several in a row.',
  options: {
    ...selection,
    share: { ...selection.share, default: 0.1, description: 'How many of all are lost, drawn by the seed.' },
    every: { ...selection.every, description: 'Every so-manieth is lost instead, or begins a burst; counted over the whole relay, each direction by itself.' },
    burst: { type: 'number', default: 1, minimum: 1, maximum: 10_000, description: 'How many are lost in a row: on an average with share, exactly so many with every.' },
    ...directionOption,
    ...clientOption,
  },
  setup({ options, random, shared }) {
    const { share, every, burst } = options
    const matches = directionMatcher(options)
    const ofClient = clientMatcher(options)
    const picks = picker(options, { random, shared })
    const line = { up: lineOf(share, burst), down: lineOf(share, burst) }
    const left = { up: 0, down: 0 }

    const isLost = (direction: 'up' | 'down'): boolean => {
      if (every === undefined) return burst > 1 ? line[direction](random(direction)) : picks(direction)
      if (picks(direction)) left[direction] = Math.round(burst)
      return left[direction]-- > 0
    }
    return {
      udp: { datagram: ({ direction, connection }) => matches(direction) && ofClient(connection) && isLost(direction) ? drop() : undefined },
    }
  },
})

/**
 * A line that is either good or bad, and loses all in the bad times (E. N. Gilbert, "Capacity of a burst-noise channel", 1960). How long those
 * last and how often they come follow from the burst's length and the share. One draw a datagram, whatever the state.
 */
function lineOf(share: number, burst: number): (drawn: number) => boolean {
  // So much is lost that the good times would have to be shorter than one datagram: the bad ones are longer then.
  const mends = share >= 1 ? 0 : share <= 0 ? 1 : Math.min(1 / burst, (1 - share) / share)
  const breaks = share >= 1 ? 1 : mends * share / (1 - share)
  let bad: boolean | null = null
  return (drawn) => {
    bad = bad === null ? drawn < share : bad ? drawn >= mends : drawn < breaks
    return bad
  }
}
