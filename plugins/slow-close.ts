import { definePlugin, onStreams, streamSelection } from 'wiretape'

export default definePlugin({
  name: 'slow-close',
  description: 'Holds back the end of a stream, and nothing else.',
  options: {
    delay: { type: 'number', default: 0, minimum: 0, description: 'How long, in ms.' },
    ...streamSelection,
  },
  setup(context) {
    const { options: { delay } } = context
    return onStreams(context, () => async function* (chunks, stage) {
      yield* chunks
      // Nor where the connection is over.
      if (stage.removed || !await stage.sleep(0)) return
      stage.tell('held back the end', { delayMs: delay })
      await stage.sleep(delay)
    })
  },
})
