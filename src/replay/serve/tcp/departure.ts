import type { Address } from '../../../recording/notes.js'
import type { Recording } from '../../../recording/recording.js'
import { quote } from '../../../protocols/quote.js'
import { byteView } from '../byte-view.js'
import type { Miss } from '../miss.js'
import type { Departure } from './act.js'

/** What a plugin that keeps secrets out of a recording leaves of them. */
const mask = Buffer.from('****')

/** The scripts that it may have left, as a message names them. */
export interface NamedScripts {
  /** `recorded connection`, before its id. */
  readonly name: string
  readonly id: (script: number) => number
  /** Ids of connections of which bytes are missing. */
  readonly incomplete: readonly number[]
}

/** What is told of a client that left its script. @param opening the first bytes that it said. */
export function missOf(departure: Departure, opening: Buffer, client: Address | null, scripts: NamedScripts, recording: Recording): Miss {
  const { name } = scripts
  const asked = opening.length === 0 ? 'nothing yet' : quote(opening.toString('latin1'))
  const plain = { protocol: 'tcp', client, asked, differs: [] } as const
  if (departure.kind === 'exhausted') {
    const closest = scripts.id(departure.script)
    return { ...plain, kind: 'exhausted', closest, text: `all that go like this have been given; the last is ${name} ${closest}` }
  }
  const cut = incompleteLike(opening, scripts, recording)
  if (departure.kind === 'unknown') {
    return cut === null ? { ...plain, kind: 'unknown', closest: null, text: scripts.incomplete.length > 0 ? 'no whole TCP connection was recorded here' : 'nothing was recorded over tcp' } : incomplete(plain, cut)
  }
  const { offset, script, came, recorded } = departure
  if (cut !== null && offset < opening.length) return incomplete(plain, cut)
  const closest = scripts.id(script)
  if (recorded?.subarray(0, mask.length).equals(mask) === true) {
    return {
      ...plain, kind: 'incomplete', closest,
      text: `${name} ${closest} has asterisks from byte ${offset} on, as masks leave them: what its client said isn't known, and can't be compared; --tcp-match prefix or turn may do`,
    }
  }
  const [now, then] = [byteView(came), recorded === null ? null : byteView(recorded)]
  return {
    ...plain, kind: 'diverged', closest, differs: [{ field: `offset ${offset}`, came: now, recorded: then }],
    // Where and how is told by what differs.
    text: then === null ? `the client says more than that of ${name} ${closest}` : `the client says something else than that of ${name} ${closest}`,
  }
}

function incomplete(plain: Omit<Miss, 'kind' | 'closest' | 'text'>, closest: number): Miss {
  return { ...plain, kind: 'incomplete', closest, text: `recorded connection ${closest} begins so, but bytes of it weren't recorded (the disk was too slow): it isn't given` }
}

/** Where bytes were left out of a connection that begins as the client did. @returns its id. */
function incompleteLike(opening: Buffer, { incomplete }: NamedScripts, recording: Recording): number | null {
  // Told for the sake of a better sentence: not worth a search among very many.
  return incomplete.slice(0, 1000).find((id) => {
    const recorded = recording.segmentAt(id, 'up', 0)?.bytes ?? Buffer.alloc(0)
    const both = Math.min(recorded.length, opening.length)
    return recorded.subarray(0, both).equals(opening.subarray(0, both))
  }) ?? null
}
