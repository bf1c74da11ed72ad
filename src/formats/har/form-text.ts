/** What names and values of a form may have as they are on the wire; values also "=". */
const raw = /^(?:[\w*.~!'()+:@/?,;$=-]|%[0-9a-f]{2})*$/i

/**
 * A form as application/x-www-form-urlencoded, of parameters that some programs have as they were on the wire, and others decoded.
 * @param size bytes that it had, which tells them apart; null where that isn't known.
 */
export function formText(params: readonly unknown[], size: number | null): string {
  const pairs = params.map((param) => {
    const { name, value } = (typeof param === 'object' && param !== null ? param : {}) as { readonly name?: unknown, readonly value?: unknown }
    return [textOf(name), textOf(value)] as const
  })
  const asTold = pairs.map(([name, value]) => `${name}=${value}`).join('&')
  const encoded = new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString()
  const isRaw = pairs.every(([name, value]) => raw.test(name) && !name.includes('=') && raw.test(value))
  return encoded.length === size || !isRaw ? encoded : asTold
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}
