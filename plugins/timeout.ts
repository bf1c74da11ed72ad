import { definePlugin, onStreams, streamSelection } from 'wiretape'

export default definePlugin({
  name: 'timeout',
  description: 'Lets nothing pass, and closes the connection when nothing has come for so long. Taken out, it closes the connection: what it has swallowed is missing.',
  options: {
    ms: { type: 'number', default: 0, minimum: 0, description: 'How long, in ms; 0 is for ever.' },
    ...streamSelection,
  },
  setup(context) {
    const { options: { ms } } = context
    // oxlint-disable-next-line require-yield
    return onStreams(context, () => async function* (chunks, stage) {
      let quietSince = performance.now()
      const swallowing = (async () => {
        for await (const chunk of chunks) {
          stage.drop(chunk)
          stage.count('swallowed', { bytes: chunk.length })
          quietSince = performance.now()
        }
      })()
      for (;;) {
        const left = ms === 0 ? Infinity : quietSince + ms - performance.now()
        if (left > 0 && await stage.sleep(left)) continue
        if (left <= 0) stage.tell('closed the connection', { delayMs: ms })
        break
      }
      if (!stage.replaced) stage.close()
      if (stage.removed) await swallowing
    })
  },
})
