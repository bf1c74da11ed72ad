import { WiretapeError } from '../error.js'
import type { MissingBytes } from '../index.js'

/** To be called once the bytes are out that there are: a script is not to take them for all. @throws WiretapeError `storage` where some are missing. */
export function failOnMissing(id: number, missing: readonly MissingBytes[]): void {
  if (missing.length === 0) return
  const gaps = missing.map(({ direction, bytes, offset }) => `${bytes} bytes of what the ${direction === 'up' ? 'client' : 'server'} said were not recorded, the first at byte ${offset} of that stream`)
  throw new WiretapeError('storage', `record ${id} is not whole: ${gaps.join(', and ')}`)
}
