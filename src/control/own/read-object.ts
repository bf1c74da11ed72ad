import { WiretapeError, reasonOf } from '../../error.js'
import { nearest } from '../../recording/filter.js'

/** What a field is to be, and how that is said. */
const kinds = {
  text: { is: (value: unknown) => typeof value === 'string' && value !== '', words: 'a text' },
  switch: { is: (value: unknown) => typeof value === 'boolean', words: 'true or false' },
  object: { is: (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value), words: 'an object' },
  place: { is: (value: unknown) => typeof value === 'string' || typeof value === 'number', words: 'a port or "host:port"' },
}

interface Kinds { readonly text: string, readonly switch: boolean, readonly object: Readonly<Record<string, unknown>>, readonly place: string | number }

/** Reads an object of JSON: its fields and no others. @throws WiretapeError `usage`. */
export function readObject<const Fields extends Readonly<Record<string, keyof Kinds>>>(bytes: Buffer, fields: Fields): { readonly [Name in keyof Fields]?: Kinds[Fields[Name]] } {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch (thrown) {
    throw new WiretapeError('usage', `the body is not JSON: ${reasonOf(thrown)}`)
  }
  if (!kinds.object.is(value)) throw new WiretapeError('usage', `the body has to be an object with ${Object.keys(fields).join(', ')}`)
  const found = new Map<string, unknown>()
  for (const [name, given] of Object.entries(value as Record<string, unknown>)) {
    const kind = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (kind === undefined) {
      const near = nearest(name, Object.keys(fields))
      throw new WiretapeError('usage', `there is no field ${JSON.stringify(name)}${near === null ? '' : ` (did you mean ${near}?)`}; there are ${Object.keys(fields).join(', ')}`)
    }
    if (given === null) continue
    if (!kinds[kind].is(given)) throw new WiretapeError('usage', `${name}: expected ${kinds[kind].words}, not ${JSON.stringify(given)}`)
    found.set(name, given)
  }
  return Object.fromEntries(found) as { readonly [Name in keyof Fields]?: Kinds[Fields[Name]] }
}
