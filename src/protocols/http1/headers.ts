/** A field's name and value: the name in its own case, the value as latin1 without the whitespace around it. */
export type Header = readonly [name: string, value: string]

/** The fields of one message in wire order, repeated ones kept. May be shared between messages: never change it. */
export type Headers = readonly Header[]

/** Every value of a field, in wire order. `lowerName` has to be in lower case. */
export function headerValues(headers: Headers, lowerName: string): string[] {
  const values: string[] = []
  for (const [name, value] of headers) {
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) values.push(value)
  }
  return values
}

/** The first value of a field, undefined where it's absent. `lowerName` has to be in lower case. */
export function firstHeader(headers: Headers, lowerName: string): string | undefined {
  for (const [name, value] of headers) {
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return value
  }
  return undefined
}
