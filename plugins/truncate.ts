import { definePlugin, messageSelection, onMessages } from 'wiretape'

export default definePlugin({
  name: 'truncate',
  description: 'Cuts the body of HTTP messages short: fewer bytes come than the head says, or no last chunk.',
  options: {
    after: { type: 'number', default: 0, minimum: 0, integer: true, description: 'So many bytes of the body come; a body that has no more of them is left alone.' },
    how: { type: 'string', choices: ['close', 'reset'], default: 'close', description: 'What becomes of the connection then.' },
    ...messageSelection,
  },
  setup(context) {
    const { after, how } = context.options
    return onMessages(context, () => async function* (pieces, wire) {
      let left = after
      for await (const { kind, bytes } of pieces) {
        if (kind !== 'body' || bytes.length <= left) {
          yield bytes
          if (kind === 'body') left -= bytes.length
          continue
        }
        yield bytes.subarray(0, left)
        wire.tell(`body cut after ${after} bytes, connection ${how === 'close' ? 'closed' : 'reset'}`, { bytes: after })
        if (how === 'reset') wire.reset()
        else wire.close()
        return
      }
    })
  },
})
