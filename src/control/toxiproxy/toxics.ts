import type { Fault } from '../../relay/faults.js'
import type { RelayListener } from '../../relay/listeners.js'
import type { Relay } from '../../relay/relay.js'
import { fieldOf, objectOf, readFields } from '../go-fields.js'
import type { GoType } from '../go-fields.js'
import { writeJson } from '../json-text.js'
import type { Json } from '../json-text.js'
import type { Shipped } from '../shipped.js'
import { badBody, invalidStream, invalidType, toxicExists, toxicNotFound } from './errors.js'
import { toxicTypes } from './toxic-types.js'
import type { ToxicType } from './toxic-types.js'

type Attributes = Readonly<Record<string, bigint>>

/** A toxic as asked for, checked. */
export interface ToxicInput {
  readonly name: string
  readonly type: string
  /** As it was written: `upstream`, `UPSTREAM`. */
  readonly stream: string
  readonly direction: 'up' | 'down'
  readonly toxicity: number
  readonly attributes: Attributes
}

/** The toxics: faults of single relays, made here. What is known of one beyond its fault is what a client said of it. */
export class Toxics {
  readonly #relay: Relay
  readonly #shipped: Shipped
  readonly #said = new WeakMap<Fault, ToxicInput>()

  constructor(relay: Relay, shipped: Shipped) {
    this.#relay = relay
    this.#shipped = shipped
  }

  isToxic(fault: Fault): boolean {
    return this.#said.has(fault)
  }

  /** Those that work on what goes up, then the others, each in the order in which they were added. */
  of(listener: RelayListener): Fault[] {
    const all = this.#relay.faults.filter((fault) => fault.on === listener && this.#said.has(fault))
    return (['up', 'down'] as const).flatMap((direction) => all.filter((fault) => this.#said.get(fault)!.direction === direction))
  }

  /** @throws ToxiproxyError 404. */
  get(listener: RelayListener, name: string): Fault {
    const found = this.of(listener).find((fault) => fault.name === name)
    if (found === undefined) throw toxicNotFound()
    return found
  }

  /** @throws ToxiproxyError 400. */
  read(body: Json): ToxicInput {
    const { name = '', type = '', stream = 'downstream', toxicity = 1 } = readFields(
      body, { name: 'string', type: 'string', stream: 'string', toxicity: 'float32' }, { value: 'Go value of type toxics.ToxicWrapper', field: 'ToxicWrapper' })
    const direction = ({ upstream: 'up', downstream: 'down' } as const)[stream.toLowerCase() as 'upstream']
    if (direction === undefined) throw invalidStream()
    const known = toxicTypes.get(type)
    if (known === undefined) throw invalidType()
    return { name: name === '' ? `${type}_${stream}` : name, type, stream, direction, toxicity, attributes: readAttributes(known, body, {}) }
  }

  /** @throws ToxiproxyError 409. */
  add(listener: RelayListener, input: ToxicInput): Fault {
    if (this.of(listener).some(({ name }) => name === input.name)) throw toxicExists()
    const fault = this.#relay.inject({ plugin: this.#shipped.get(toxicTypes.get(input.type)!.plugin)!, options: optionsOf(input) }, { on: listener, name: input.name })
    this.#said.set(fault, input)
    return fault
  }

  /** Attributes and toxicity, as far as they are named. @throws ToxiproxyError 400; all stays as it was then. */
  update(fault: Fault, body: Json): void {
    const before = this.#said.get(fault)!
    const { toxicity = before.toxicity } = readFields(body, { toxicity: 'float32' }, { value: 'Go value of type struct', field: '' })
    const after = { ...before, toxicity, attributes: readAttributes(toxicTypes.get(before.type)!, body, before.attributes) }
    fault.change(optionsOf(after))
    this.#said.set(fault, after)
  }

  clear(listener: RelayListener): void {
    for (const fault of this.of(listener)) fault.remove()
  }

  json(fault: Fault): string {
    const { name, type, stream, toxicity, attributes } = this.#said.get(fault)!
    const fields = toxicTypes.get(type)!.attributes.map((attribute) => `"${attribute}":${attributes[attribute] ?? 0n}`)
    return `{"attributes":{${fields.join(',')}},"name":${writeJson(name)},"type":${writeJson(type)},"stream":${writeJson(stream)},"toxicity":${toxicity}}`
  }

  listJson(listener: RelayListener): string {
    return `[${this.of(listener).map((fault) => this.json(fault)).join(',')}]`
  }
}

function readAttributes({ struct, attributes, refuse }: ToxicType, body: Json, before: Attributes): Attributes {
  const given = fieldOf(body, 'attributes')
  objectOf(given, `Go struct field .attributes of type toxics.${struct}`)
  const read = readFields(given, Object.fromEntries(attributes.map((attribute): [string, GoType] => [attribute, 'int64'])), { value: struct, field: `${struct}.attributes` })
  const after = { ...before, ...read as Attributes }
  const wrong = refuse?.((attribute) => after[attribute] ?? 0n) ?? null
  if (wrong !== null) throw badBody(wrong)
  return after
}

function optionsOf({ type, direction, toxicity, attributes }: ToxicInput): Readonly<Record<string, unknown>> {
  const options = toxicTypes.get(type)!.options((attribute) => {
    const value = attributes[attribute] ?? 0n
    return value < 0n ? 0 : value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value)
  })
  return { ...options, direction, share: Math.min(1, Math.max(0, toxicity)) }
}
