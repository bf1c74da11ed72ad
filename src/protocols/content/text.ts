const textTypes = /^(?:text\/|application\/(?:.*\+)?(?:json|xml|javascript|ecmascript|x-www-form-urlencoded|yaml|x-yaml|graphql|sql|x-ndjson|toml)\b|image\/svg\+xml|multipart\/|message\/)/i

export interface Text {
  readonly text: string
  /** The name of the encoding it was read by. */
  readonly charset: string
}

/**
 * Reads a body as text, by the charset of its type, or UTF-8 where that fits.
 * @returns null where it is binary.
 */
export function readText(bytes: Buffer, contentType: string | null, cut: boolean): Text | null {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType ?? '')?.[1]
  if (charset !== undefined) {
    const text = decode(bytes, charset, false)
    if (text !== null) return { text, charset: charset.toLowerCase() }
  }
  const bom = bytes.length >= 2 && bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le'
    : bytes.length >= 2 && bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null
  if (bom !== null) return { text: decode(bytes, bom, false)!, charset: bom }
  // A cut may go through a character: leave its beginning out.
  const utf8 = decode(cut ? bytes.subarray(0, characterBoundary(bytes)) : bytes, 'utf-8', true)
  if (utf8 !== null && !looksBinary(utf8)) return { text: utf8, charset: 'utf-8' }
  return contentType !== null && textTypes.test(contentType) && !bytes.includes(0)
    ? { text: decode(bytes, 'windows-1252', false)!, charset: 'windows-1252' } : null
}

export function isJson(contentType: string | null, text: string): boolean {
  return /[/+]json\b/i.test(contentType ?? '') || (contentType === null && /^\s*[[{]/.test(text))
}

function decode(bytes: Buffer, charset: string, strict: boolean): string | null {
  try {
    return new TextDecoder(charset, { fatal: strict }).decode(bytes)
  } catch {
    return null
  }
}

function looksBinary(text: string): boolean {
  let odd = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0) return true
    if (code < 32 && code !== 9 && code !== 10 && code !== 13 && code !== 12 && code !== 27) odd++
  }
  return odd > text.length / 50
}

function characterBoundary(bytes: Buffer): number {
  let end = bytes.length
  while (end > 0 && end > bytes.length - 3 && (bytes[end - 1]! & 0xc0) === 0x80) end--
  return end > 0 && bytes[end - 1]! >= 0xc0 ? end - 1 : bytes.length
}
