import { definePlugin, onStreams, streamSelection } from 'wiretape'

export default definePlugin({
  name: 'latency',
  description: 'Holds bytes back, as a long way does: each chunk waits since it came, none overtakes another, and the rate stays what it was.',
  options: {
    ms: { type: 'number', default: 0, minimum: 0, description: 'How long, in ms.' },
    jitter: { type: 'number', default: 0, minimum: 0, description: 'Up to so much more or less, in ms, evenly spread.' },
    ...streamSelection,
  },
  // What is under way on a fast line.
  window: 32 * 1024 * 1024,
  setup(context) {
    const { options: { ms, jitter }, random } = context
    return onStreams(context, ({ direction }) => async function* (chunks, stage) {
      for await (const chunk of chunks) {
        const wait = Math.max(0, jitter === 0 ? ms : ms + (random(direction) * 2 - 1) * jitter)
        const due = stage.cameAt(chunk) + wait
        stage.count('held back', { bytes: chunk.length, delayMs: wait })
        const left = due - performance.now()
        // Cut short, it keeps the time when it came: the stage that takes this one's place counts from there, not from a wait that never was.
        if (left <= 0 || await stage.sleep(left)) stage.stamp(chunk, due)
        yield chunk
      }
    })
  },
})
