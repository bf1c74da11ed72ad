import { definePlugin, messageSelection, onMessages } from 'wiretape'
import type { HttpRequest, HttpResponse, WireStage } from 'wiretape'

export default definePlugin({
  name: 'malformed',
  description: 'Makes HTTP messages that are none: a chunk size that is no number, or a Content-Length that lies.',
  options: {
    kind: { type: 'string', choices: ['bad-chunk-size', 'wrong-length'], default: 'bad-chunk-size', description: 'What is wrong with them. A wrong length is for messages that have one.' },
    by: { type: 'number', default: 10, minimum: -1_000_000_000, maximum: 1_000_000_000, integer: true, description: 'wrong-length: so many bytes more than there are, fewer where negative.' },
    ...messageSelection,
  },
  setup(context) {
    const { kind, by } = context.options
    return onMessages(context, (message) => {
      if (!mayHaveBody(message)) return undefined
      const { headers } = message
      if (kind === 'bad-chunk-size') return badChunkSize(headers.has('transfer-encoding'))
      const length = Number(headers.get('content-length') ?? Number.NaN)
      const lie = Math.max(0, length + by)
      return Number.isNaN(length) || lie === length ? undefined : wrongLength(length, lie)
    })
  },
})

function mayHaveBody(message: HttpRequest | HttpResponse): boolean {
  return 'method' in message || (message.request.method !== 'HEAD' && message.status !== 204 && message.status !== 304)
}

const noNumber = 'no number\r\n'

/** The first chunk's size is no number; a message that isn't chunked says that it is. */
function badChunkSize(chunked: boolean): WireStage {
  return async function* (pieces, wire) {
    wire.tell('the size of the first chunk is no number')
    let first = chunked
    for await (const { kind, bytes } of pieces) {
      if (kind === 'head' && !chunked) yield* [withField(bytes, 'Transfer-Encoding: chunked'), noNumber]
      else if (kind === 'framing' && first) yield noNumber
      else yield bytes
      if (kind === 'framing') first = false
    }
  }
}

function wrongLength(length: number, lie: number): WireStage {
  return async function* (pieces, wire) {
    for await (const { kind, bytes } of pieces) {
      if (kind === 'head') {
        wire.tell(`Content-Length is ${lie}, the body has ${length} bytes`, { bytes: length })
        yield withField(bytes, `Content-Length: ${lie}`)
      } else {
        yield bytes
      }
    }
  }
}

/** A head with this field instead of those that frame the body. */
function withField(head: Buffer, field: string): string {
  const [start = '', ...lines] = head.toString('latin1').split('\r\n')
  const others = lines.filter((line) => line !== '' && !/^(?:content-length|transfer-encoding)\s*:/i.test(line))
  return [start, ...others, field, '', ''].join('\r\n')
}
