import { UnreadableJson } from './json-text.js'
import type { Json, JsonObject } from './json-text.js'

/** What a field is to be. Integers are of 64 bits; a float of 32 bits keeps no more digits than it has. */
export type GoType = 'string' | 'bool' | 'int64' | 'float32'

type ValueOf<Type extends GoType> = Type extends 'string' ? string : Type extends 'bool' ? boolean : Type extends 'int64' ? bigint : number

export type Fields<Types extends Readonly<Record<string, GoType>>> = { -readonly [Name in keyof Types]?: ValueOf<Types[Name]> }

/**
 * The fields of an object that a Go program would find in it: keys in any case, `null` as if it weren't there, what isn't asked for ignored.
 * @param struct what the object is called in a message: `Proxy`.
 * @throws UnreadableJson.
 */
export function readFields<const Types extends Readonly<Record<string, GoType>>>(value: Json, types: Types, struct: { readonly value: string, readonly field: string }): Fields<Types> {
  const found: Record<string, unknown> = {}
  if (value === null) return {}
  for (const [key, given] of objectOf(value, struct.value).fields) {
    const name = Object.keys(types).find((one) => one === key.toLowerCase())
    if (name === undefined || given === null) continue
    found[name] = readValue(given, types[name]!, `Go struct field ${struct.field}.${name}`)
  }
  return found as Fields<Types>
}

/** The last value under a key that isn't null. */
export function fieldOf(value: Json, name: string): Json {
  return value !== null && typeof value === 'object' && 'fields' in value ? value.fields.findLast(([key, given]) => key.toLowerCase() === name && given !== null)?.[1] ?? null : null
}

/** @param place what was to be made of it, for the message. @throws UnreadableJson. */
export function objectOf(value: Json, place: string): JsonObject {
  if (value === null) return { fields: [] }
  if (typeof value !== 'object' || !('fields' in value)) throw new UnreadableJson(`json: cannot unmarshal ${nameOf(value)} into ${place}`)
  return value
}

/** @throws UnreadableJson. */
export function arrayOf(value: Json, place: string): readonly Json[] {
  if (value === null) return []
  if (!Array.isArray(value)) throw new UnreadableJson(`json: cannot unmarshal ${nameOf(value)} into ${place}`)
  return value as readonly Json[]
}

const largest = 2n ** 63n

function readValue(value: Json, type: GoType, place: string): string | boolean | bigint | number {
  const refuse = (what: string): UnreadableJson => new UnreadableJson(`json: cannot unmarshal ${what} into ${place} of type ${type}`)
  if (type === 'string' && typeof value === 'string') return value
  if (type === 'bool' && typeof value === 'boolean') return value
  if (type === 'string' || type === 'bool' || value === null || typeof value !== 'object' || !('number' in value)) throw refuse(nameOf(value))
  const { number } = value
  if (type === 'int64') {
    if (!/^-?\d+$/.test(number) || number.length > 20) throw refuse(`number ${number}`)
    const integer = BigInt(number)
    if (integer >= largest || integer < -largest) throw refuse(`number ${number}`)
    return integer
  }
  if (!Number.isFinite(Math.fround(Number(number)))) throw refuse(`number ${number}`)
  return shortestFloat32(Number(number))
}

/** The number of fewest digits that is the same in 32 bits: 0.1, and not 0.10000000149011612. */
function shortestFloat32(value: number): number {
  const float = Math.fround(value)
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === float) return short
  }
  return Number(value.toPrecision(9))
}

function nameOf(value: Json): string {
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  return value === null ? 'null' : Array.isArray(value) ? 'array' : 'number' in value ? 'number' : 'object'
}
