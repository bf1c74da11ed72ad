import { definePlugin, messageSelection, onMessages } from 'wiretape'

export default definePlugin({
  name: 'stall-body',
  description: 'Lets the body of HTTP messages stop in the middle, and go on after a time.',
  options: {
    ms: { type: 'number', required: true, minimum: 1, maximum: 86_400_000, description: 'For how long it stops, in ms.' },
    after: { type: 'number', default: 0, minimum: 0, integer: true, description: 'So many bytes of the body come before; one that has no more of them is left alone.' },
    ...messageSelection,
  },
  setup(context) {
    const { ms, after } = context.options
    return onMessages(context, () => async function* (pieces, wire) {
      let left = after
      let stalled = false
      for await (const { kind, bytes } of pieces) {
        if (kind !== 'body' || stalled || bytes.length <= left) {
          yield bytes
          if (kind === 'body') left -= bytes.length
          continue
        }
        stalled = true
        if (left > 0) yield bytes.subarray(0, left)
        wire.tell(`body stopped for ${ms} ms after ${after} bytes`, { bytes: after, delayMs: ms })
        await wire.sleep(ms)
        yield bytes.subarray(left)
      }
    })
  },
})
