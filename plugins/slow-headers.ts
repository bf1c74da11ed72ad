import { definePlugin, messageSelection, onMessages } from 'wiretape'

export default definePlugin({
  name: 'slow-headers',
  description: 'Lets the head of HTTP messages trickle; the body then comes as ever.',
  options: {
    ms: { type: 'number', default: 100, minimum: 1, maximum: 3_600_000, description: 'The time between two pieces of the head, in ms.' },
    bytes: { type: 'number', default: 1, minimum: 1, maximum: 65_536, integer: true, description: 'How large a piece is.' },
    ...messageSelection,
  },
  setup(context) {
    const { ms, bytes: size } = context.options
    return onMessages(context, () => async function* (pieces, wire) {
      for await (const { kind, bytes } of pieces) {
        if (kind !== 'head') {
          yield bytes
          continue
        }
        const steps = Math.ceil(bytes.length / size)
        wire.tell(`the head comes in ${steps} pieces, ${ms} ms apart`, { bytes: bytes.length, delayMs: (steps - 1) * ms })
        for (let at = 0; at < bytes.length; at += size) {
          if (at > 0) await wire.sleep(ms)
          yield bytes.subarray(at, at + size)
        }
      }
    })
  },
})
