import { firstDifference } from '../byte-view.js'
import type { ScriptPiece } from './script.js'

/** What clients say next in several scripts, by its first byte: the bytes that all of these have in common. */
export type Heads = Map<number, { bytes: Buffer, readonly scripts: number[] }>

/** A head is kept as short as what all of its scripts have in common. */
export function addHead(heads: Heads, script: number, { bytes }: ScriptPiece, longest: number): void {
  const own = bytes.subarray(0, longest)
  const head = heads.get(own[0]!)
  if (head === undefined) {
    heads.set(own[0]!, { bytes: Buffer.from(own), scripts: [script] })
    return
  }
  head.bytes = head.bytes.subarray(0, firstDifference(head.bytes, own))
  head.scripts.push(script)
}
