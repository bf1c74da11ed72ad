import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { bodyView } from './body-view.js'
import type { BodyFacts } from './body-view.js'
import { colour as pc } from './colour.js'
import { formatBytes } from './units.js'

type Leg = 'received' | 'sent'

/** What went out instead of the body that came, where that is another. */
export async function* sentBodyView(body: (leg: Leg) => Readable, facts: Omit<BodyFacts, 'size'>): AsyncGenerator<string> {
  const sent = await digestOf(body('sent'), Infinity)
  const beginning = await digestOf(body('received'), sent.length)
  const isBeginning = beginning.digest === sent.digest
  if (isBeginning && beginning.length === sent.length) return
  yield ''
  if (sent.length === 0) yield pc.green('[no body was sent on]')
  else if (isBeginning) yield pc.green(`[of it only the first ${formatBytes(sent.length)} were sent on: ${facts.whole}]`)
  else {
    yield pc.green(`sent on instead, ${formatBytes(sent.length)}:`)
    yield* bodyView(body('sent'), { ...facts, size: sent.length })
  }
}

/** How long a stream is, and a hash of its first so many bytes; without holding it in memory. */
async function digestOf(stream: Readable, most: number): Promise<{ readonly digest: string, readonly length: number }> {
  const hash = createHash('sha256')
  let length = 0
  for await (const piece of stream) {
    if (length < most) hash.update((piece as Buffer).subarray(0, most - length))
    length += (piece as Buffer).length
  }
  return { digest: hash.digest('hex'), length }
}
