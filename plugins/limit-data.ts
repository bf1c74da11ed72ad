import { definePlugin, onStreams, streamSelection } from 'wiretape'

export default definePlugin({
  name: 'limit-data',
  description: 'Lets so many bytes of a stream pass, exactly, and closes the connection.',
  options: {
    bytes: { type: 'number', default: 0, minimum: 0, integer: true, description: 'How many.' },
    ...streamSelection,
  },
  setup(context) {
    const { options: { bytes: limit }, kept } = context
    return onStreams(context, ({ direction }) => {
      // Counted from when it came on, and not anew when the limit changes.
      const key = `passed/${direction}`
      return async function* (chunks, stage) {
        for await (const chunk of chunks) {
          const passed = kept.get(key) as number | undefined ?? 0
          const room = Math.max(0, limit - passed)
          const piece = chunk.subarray(0, room)
          kept.set(key, passed + piece.length)
          stage.stamp(piece, stage.cameAt(chunk))
          if (piece.length > 0) yield piece
          if (chunk.length < room) continue
          if (chunk.length > room) stage.drop(chunk.subarray(room))
          stage.tell(`closed the connection after ${limit} bytes`, { bytes: chunk.length - piece.length })
          stage.close()
          return
        }
      }
    })
  },
})
