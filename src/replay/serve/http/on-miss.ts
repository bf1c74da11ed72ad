import { WiretapeError } from '../../../error.js'
import { parseTarget } from '../../../relay/address.js'
import type { Target } from '../../../relay/address.js'

/** What becomes of a request that the recording has no answer for: 502; or the live server answers, which may be recorded. */
export type OnMiss = { readonly kind: 'fail' } | { readonly kind: 'forward' | 'record', readonly target: Target }

/** Reads `fail`, `forward=URL` or `record=URL`. @throws WiretapeError `usage`. */
export function readOnMiss(text: string): OnMiss {
  if (text === 'fail') return { kind: 'fail' }
  const [, kind, url = ''] = /^(forward|record)=(.+)$/.exec(text) ?? []
  if (kind === undefined) throw new WiretapeError('usage', `--on-miss ${text}: expected fail, forward=URL or record=URL`)
  return { kind: kind as 'forward' | 'record', target: parseTarget('http', url) }
}
