import { contentCodings, decodePieces, encodePieces } from '../../protocols/content/coding.js'
import { turnOver } from '../stages/turn.js'
import { yieldedBytes } from '../stages/yielded.js'
import type { TransformUse } from './transforms.js'

type Chunks = AsyncIterable<Buffer>

/**
 * A body's pieces through the streams of plugins, its Content-Encoding undone before those that want it so, and done again after them.
 * @param failing told of the plugin whose stream is at fault, should the whole thing throw.
 */
export function throughTransforms(body: Chunks, uses: readonly TransformUse[], encoding: string | null, failing: (use: TransformUse) => void): Chunks {
  const codings = contentCodings(encoding)
  let chunks = body
  let decoded = false
  for (const use of uses) {
    const wants = use.decode && codings !== null && codings.length > 0
    if (wants && !decoded) chunks = decodePieces(chunks, codings)
    else if (!wants && decoded) chunks = encodePieces(chunks, codings!)
    decoded = wants
    const before = chunks
    chunks = guarded(() => use.transform(before), () => failing(use))
  }
  return decoded ? encodePieces(chunks, codings!) : chunks
}

async function* guarded(start: () => AsyncIterable<Uint8Array | string>, failing: () => void): AsyncGenerator<Buffer> {
  try {
    const chunks: unknown = start()
    if (!isIterable(chunks)) throw new TypeError('transformBody takes a function that gives chunks: async function* (chunks) { … }')
    for await (const chunk of chunks) {
      const bytes = yieldedBytes(chunk)
      const turn = turnOver()
      if (turn !== null) await turn
      if (bytes.length > 0) yield bytes
    }
  } catch (thrown) {
    failing()
    throw thrown
  }
}

function isIterable(value: unknown): value is AsyncIterable<Uint8Array | string> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)
}
