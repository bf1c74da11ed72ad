import { definePlugin, onStreams, streamSelection } from 'wiretape'

export default definePlugin({
  name: 'reset-peer',
  description: 'Tears the connection down with a reset (RST) on both sides, once something or the end has come.',
  options: {
    ms: { type: 'number', default: 0, minimum: 0, description: 'So long after that, in ms.' },
    ...streamSelection,
  },
  setup(context) {
    const { options: { ms } } = context
    return onStreams(context, () => async function* (chunks, stage) {
      for await (const chunk of chunks) {
        if (ms > 0 && !await stage.sleep(ms)) {
          yield chunk
          continue
        }
        stage.drop(chunk)
        stage.tell('reset the connection', { bytes: chunk.length, delayMs: ms })
        stage.reset()
        return
      }
      // Nor where the connection has ended otherwise.
      if (stage.removed || !await stage.sleep(ms)) return
      stage.tell('reset the connection at its end', { delayMs: ms })
      stage.reset()
    })
  },
})
