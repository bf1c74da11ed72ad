import { clientMatcher, clientOption, definePlugin, directionMatcher, directionOption, picker, selection } from 'wiretape'

/** A datagram on hold: how many have still to go by, and what lets it go. */
type Held = { left: number, readonly go: () => void }

export default definePlugin({
  name: 'reorder',
  description: 'Lets datagrams be overtaken: one that is picked waits until some others have gone by, or for a time.',
  options: {
    by: { type: 'number', default: 1, minimum: 1, maximum: 1000, integer: true, description: 'How many of its session and direction go by first.' },
    ms: { type: 'number', default: 100, minimum: 1, maximum: 20_000, description: 'It waits no longer than so many ms.' },
    ...selection,
    share: { ...selection.share, default: 0.1 },
    ...directionOption,
    ...clientOption,
  },
  setup({ options, random, shared, tell }) {
    const { by, ms } = options
    const matches = directionMatcher(options)
    const ofClient = clientMatcher(options)
    const picks = picker(options, { random, shared })
    const held: Record<'up' | 'down', Set<Held>> = { up: new Set(), down: new Set() }
    return {
      udp: {
        datagram(datagram) {
          const { direction, connection, bytes } = datagram
          if (!matches(direction) || !ofClient(connection)) return undefined
          if (!picks(direction)) {
            for (const one of held[direction]) if (--one.left === 0) one.go()
            return undefined
          }
          return new Promise<void>((resolve) => {
            const one: Held = { left: by, go: () => go(`${by} went by`) }
            const timer = setTimeout(() => go(`${by - one.left} of ${by} went by in ${ms} ms`), ms).unref()
            const go = (how: string): void => {
              clearTimeout(timer)
              held[direction].delete(one)
              tell(`udp.datagram: overtaken, ${how}`, { direction, message: datagram, bytes: bytes.length })
              resolve()
            }
            held[direction].add(one)
          })
        },
      },
    }
  },
})
