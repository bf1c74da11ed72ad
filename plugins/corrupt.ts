import { definePlugin, onStreams, streamSelection } from 'wiretape'

export default definePlugin({
  name: 'corrupt',
  description: 'Flips a bit in some bytes.',
  options: {
    rate: { type: 'number', default: 0.001, minimum: 0, maximum: 1, description: 'The share of bytes.' },
    after: { type: 'number', default: 0, minimum: 0, integer: true, description: 'The first so many bytes of a stream are left alone.' },
    ...streamSelection,
  },
  setup(context) {
    const { options: { rate, after }, random, kept } = context
    return onStreams(context, ({ direction }) => {
      /** How many bytes are left alone before the next: drawn so, the same bytes are hit however they come in chunks. Less the 1, small rates don't come to 0. */
      const gap = (): number => rate >= 1 ? 0 : Math.floor(Math.log1p(-random(direction)) / Math.log1p(-rate))
      // From when it came on, so that other options don't leave the beginning alone anew.
      const key = `passed/${direction}`
      return async function* (chunks, stage) {
        let next = Math.max(0, after - (kept.get(key) as number | undefined ?? 0)) + (rate === 0 ? Infinity : gap())
        for await (const chunk of chunks) {
          let hit = 0
          for (; next < chunk.length; next += 1 + gap()) {
            chunk[next]! ^= 1 << Math.floor(random(direction) * 8)
            hit++
          }
          next -= chunk.length
          kept.set(key, (kept.get(key) as number | undefined ?? 0) + chunk.length)
          if (hit > 0) stage.count('corrupted', { bytes: hit })
          yield chunk
        }
      }
    })
  },
})
