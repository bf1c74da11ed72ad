import { definePlugin, onStreams, streamSelection } from 'wiretape'

export default definePlugin({
  name: 'stall',
  description: 'Stops a stream for a while after so many bytes, once, and then goes on.',
  options: {
    at: { type: 'number', default: 0, minimum: 0, integer: true, description: 'After how many bytes.' },
    ms: { type: 'number', required: true, minimum: 0, description: 'For how long, in ms.' },
    ...streamSelection,
  },
  setup(context) {
    const { options: { at, ms }, kept } = context
    return onStreams(context, ({ direction }) => {
      const key = `passed/${direction}`
      // Once, also where its place changes while it holds something.
      const stalled = `stalled/${direction}`
      return async function* (chunks, stage) {
        for await (const chunk of chunks) {
          const passed = kept.get(key) as number | undefined ?? 0
          kept.set(key, passed + chunk.length)
          if (passed > at || passed + chunk.length <= at || kept.has(stalled)) {
            yield chunk
            continue
          }
          if (at > passed) yield chunk.subarray(0, at - passed)
          kept.set(stalled, true)
          stage.tell(`stalled after ${at} bytes`, { delayMs: ms })
          await stage.sleep(ms)
          yield chunk.subarray(at - passed)
        }
      }
    })
  },
})
