import { clientMatcher, clientOption, definePlugin, directionMatcher, directionOption, picker, selection } from 'wiretape'

export default definePlugin({
  name: 'udp-corrupt',
  description: 'Flips bits of datagrams, or changes whole bytes of them. Their UDP checksum is right: it is their reader who has to notice.',
  options: {
    bits: { type: 'number', default: 1, minimum: 1, maximum: 524_216, integer: true, description: 'How many bits of a datagram are flipped.' },
    bytes: { type: 'number', minimum: 1, maximum: 65_527, integer: true, description: 'So many bytes are changed instead.' },
    ...selection,
    ...directionOption,
    ...clientOption,
  },
  setup({ options, random, shared, tell }) {
    const { bits, bytes: count } = options
    const matches = directionMatcher(options)
    const ofClient = clientMatcher(options)
    const picks = picker(options, { random, shared })
    return {
      udp: {
        datagram(datagram) {
          const { direction, connection, bytes } = datagram
          if (!matches(direction) || !ofClient(connection) || !picks(direction) || bytes.length === 0) return
          const draw = (limit: number): number => Math.floor(random(`places ${direction}`) * limit)
          if (count === undefined) {
            const places = different(Math.min(bits, 8 * bytes.length), 8 * bytes.length, draw)
            for (const place of places) bytes[place >> 3]! ^= 0x80 >> (place & 7)
            tell(`udp.datagram: flipped ${listed('bit', places)}`, { direction, message: datagram, bytes: bytes.length })
          } else {
            const places = different(Math.min(count, bytes.length), bytes.length, draw)
            // Never by 0: a byte that is picked is another one afterwards.
            for (const place of places) bytes[place]! ^= 1 + draw(255)
            tell(`udp.datagram: changed ${listed('byte', places)}`, { direction, message: datagram, bytes: bytes.length })
          }
        },
      },
    }
  },
})

/** So many different numbers below `limit`, with as many draws (Floyd). */
function different(count: number, limit: number, draw: (limit: number) => number): number[] {
  const found = new Set<number>()
  for (let top = limit - count; top < limit; top++) {
    const one = draw(top + 1)
    found.add(found.has(one) ? top : one)
  }
  return [...found].toSorted((one, other) => one - other)
}

function listed(what: string, places: readonly number[]): string {
  return `${what}${places.length === 1 ? '' : 's'} ${places.slice(0, 8).join(', ')}${places.length > 8 ? ` and ${places.length - 8} more` : ''}`
}
