import { clientMatcher, clientOption, definePlugin, directionMatcher, directionOption, picker, selection } from 'wiretape'

/** A datagram on hold: until when, how many have still to go by, and what lets it go. */
type Held = { readonly due: number, left: number, readonly go: (how: string) => void }

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
  setup({ options, random, shared, tell, sleep }) {
    const { by, ms } = options
    const matches = directionMatcher(options)
    const ofClient = clientMatcher(options)
    const picks = picker(options, { random, shared })
    const held: Record<'up' | 'down', Set<Held>> = { up: new Set(), down: new Set() }

    const watched = { up: false, down: false }

    /** Those that have waited long enough go, for as long as there are any: in their order, as all wait as long. */
    const watch = async (direction: 'up' | 'down'): Promise<void> => {
      if (watched[direction]) return
      watched[direction] = true
      for (const one of held[direction]) {
        const left = one.due - performance.now()
        const stays = left <= 0 || await sleep(left)
        if (held[direction].has(one)) one.go(stays ? `overtaken, ${by - one.left} of ${by} went by in ${ms} ms` : `let go when ${by - one.left} of ${by} had gone by`)
      }
      watched[direction] = false
    }
    return {
      udp: {
        datagram(datagram) {
          const { direction, connection, bytes } = datagram
          if (!matches(direction) || !ofClient(connection)) return undefined
          if (!picks(direction)) {
            for (const one of held[direction]) if (--one.left === 0) one.go(`overtaken, ${by} went by`)
            return undefined
          }
          return new Promise<void>((resolve) => {
            const go = (how: string): void => {
              held[direction].delete(one)
              tell(`udp.datagram: ${how}`, { direction, message: datagram, bytes: bytes.length })
              resolve()
            }
            const one: Held = { due: performance.now() + ms, left: by, go }
            held[direction].add(one)
            void watch(direction)
          })
        },
      },
    }
  },
})
