import { createHash } from 'node:crypto'
import type { ConnectionRecord } from '../../recording/rows.js'
import type { Recording } from '../../recording/recording.js'
import { conversation } from '../conversation.js'
import { lacking } from './comparison.js'
import type { FoundDifference } from './comparison.js'
import { pairByKey } from './pair-by-key.js'
import type { Keyed } from './pair-by-key.js'
import type { RecordedSide } from './recorded-side.js'
import { compareStreams, streamDifference } from './stream-differences.js'
import type { Tally } from './tally.js'

/** Compares what servers said on TCP connections, byte for byte: the k-th on which the client said the same with the k-th, the rest in their order. */
export async function compareTcp(a: RecordedSide, b: RecordedSide, tally: Tally): Promise<void> {
  const { pairs, onlyA, onlyB } = pairByKey(keys(a), keys(b))
  for (const [idA, idB] of pairs) {
    const [was, now] = [a.recording.connection(idA), b.recording.connection(idB)]
    const gaps = lacking(gapIn(was), gapIn(now))
    if (gaps.length > 0) {
      tally.pair({ protocol: 'tcp', a: idA, b: idB, asked: describe(was) }, 'uncompared', gaps)
      continue
    }
    const found: FoundDifference[] = []
    const asked = await compareStreams(pieces(a.recording, idA, 'up', a.asked), pieces(b.recording, idB, 'up', b.asked))
    found.push(...streamDifference(asked, 'client '))
    found.push(...streamDifference(await compareStreams(pieces(a.recording, idA, 'down', 'received'), pieces(b.recording, idB, 'down', 'received'))))
    const [brokenWas, brokenNow] = [was, now].map(brokenBy)
    if (brokenWas !== brokenNow) found.push({ field: 'end', was: brokenWas ?? 'in order', now: brokenNow ?? 'in order' })
    const outcome = found.length === 0 ? 'same' : brokenWas === null && brokenNow !== null ? 'failed' : 'different'
    if (outcome !== 'failed') tally.took(firstAnswer(a, idA), firstAnswer(b, idB))
    tally.pair({ protocol: 'tcp', a: idA, b: idB, asked: describe(was) }, outcome, found)
  }
  for (const id of onlyA) tally.only({ protocol: 'tcp', a: id, b: null, asked: describe(a.recording.connection(id)) }, 'connection')
  for (const id of onlyB) tally.only({ protocol: 'tcp', a: null, b: id, asked: describe(b.recording.connection(id)) }, 'connection')
}

function* keys({ recording, connections, only, asked }: RecordedSide): Generator<Keyed> {
  for (const { id, opened } of recording.connections({ where: "protocol = 'tcp'" })) {
    if (connections?.has(id) === false || only?.has(id) === false) continue
    const hash = createHash('sha256')
    for (const { bytes } of recording.streamPieces(id, 'up', asked)) hash.update(bytes)
    yield { key: hash.digest('base64'), id, began: opened }
  }
}

function* pieces(recording: Recording, id: number, direction: 'up' | 'down', leg: 'received' | 'sent'): Generator<Buffer> {
  for (const { bytes } of recording.streamPieces(id, direction, leg)) yield bytes
}

/** What the server, or the way to it, did to the connection; null where it ended in order, or by the client. */
function brokenBy({ endReason, error }: ConnectionRecord): string | null {
  return endReason === 'connect failed' || endReason?.startsWith('server ') === true ? error : null
}

/** Streams with a hole would be laid side by side as if there were none. */
function gapIn({ droppedUp, droppedDown }: ConnectionRecord): string | null {
  return droppedUp + droppedDown === 0 ? null : `${droppedUp + droppedDown} bytes were not recorded`
}

function describe({ bytesUp }: ConnectionRecord): string {
  return `connection, ${bytesUp} bytes up`
}

/** Ms from the client's first word to the server's first after it; null where there is no such pair. */
function firstAnswer({ recording, asked }: RecordedSide, id: number): number | null {
  let since: number | null = null
  for (const { direction, time } of conversation(recording, id, asked)) {
    if (direction === 'up') since ??= time
    else if (since !== null) return (time - since) / 1000
  }
  return null
}
