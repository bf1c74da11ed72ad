export type HeaderField = readonly [name: string, value: string]

/** Header fields in the order and case of the wire. Names are found whatever their case; repeated fields stay apart. */
export class HeaderList implements Iterable<HeaderField> {
  #fields: readonly HeaderField[]
  readonly #changed: () => void

  /** @param changed called before each change; it may refuse by throwing. */
  constructor(fields: Iterable<HeaderField> = [], changed: () => void = () => {}) {
    this.#fields = Array.isArray(fields) ? fields as readonly HeaderField[] : [...fields]
    this.#changed = changed
  }

  /** All fields as they are now: the array isn't changed later. */
  get fields(): readonly HeaderField[] {
    return this.#fields
  }

  get(name: string): string | undefined {
    const wanted = name.toLowerCase()
    return this.#fields.find(([one]) => one.toLowerCase() === wanted)?.[1]
  }

  getAll(name: string): string[] {
    const wanted = name.toLowerCase()
    return this.#fields.filter(([one]) => one.toLowerCase() === wanted).map(([, value]) => value)
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** The first field of that name gets the value and keeps its place and case, further ones go; without one, it is added at the end. */
  set(name: string, given: string | number): void {
    const value = checkField(name, given)
    const wanted = name.toLowerCase()
    const at = this.#fields.findIndex(([one]) => one.toLowerCase() === wanted)
    if (at < 0) {
      this.#replace([...this.#fields, [name, value]])
      return
    }
    if (this.#fields[at]![1] === value && this.getAll(name).length === 1) return
    this.#replace(this.#fields.flatMap((field, index) =>
      index === at ? [[field[0], value] as const] : field[0].toLowerCase() === wanted ? [] : [field]))
  }

  /** One more field, also where there is one of that name. */
  append(name: string, given: string | number): void {
    this.#replace([...this.#fields, [name, checkField(name, given)]])
  }

  /** @returns whether there was one. */
  delete(name: string): boolean {
    const wanted = name.toLowerCase()
    const rest = this.#fields.filter(([one]) => one.toLowerCase() !== wanted)
    if (rest.length === this.#fields.length) return false
    this.#replace(rest)
    return true
  }

  /** All of them anew. */
  replace(fields: Iterable<HeaderField>): void {
    const list = [...fields]
    for (const [name, value] of list) checkField(name, value)
    this.#replace(list)
  }

  [Symbol.iterator](): Iterator<HeaderField> {
    return this.#fields[Symbol.iterator]()
  }

  toJSON(): readonly HeaderField[] {
    return this.#fields
  }

  /** Puts an earlier state back, unasked: for what undoes a failed hook. */
  restore(fields: readonly HeaderField[]): void {
    this.#fields = fields
  }

  #replace(fields: readonly HeaderField[]): void {
    this.#changed()
    this.#fields = fields
  }
}

/** A line end in a value would be a header of its own on the wire: how responses are split. @throws TypeError. */
function checkField(name: string, given: string | number): string {
  const value = String(given)
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) throw new TypeError(`${JSON.stringify(name)} is no header name`)
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000a-\u001f\u007f]|[^\u0000-\u00ff]/.test(value)) {
    throw new TypeError(`the value of ${name} has a control character or one beyond Latin-1: ${JSON.stringify(value).slice(0, 100)}`)
  }
  return value
}
