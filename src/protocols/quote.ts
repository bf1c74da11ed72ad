export const QUOTE_LIMIT = 40

/** Wire text in double quotes, cut to QUOTE_LIMIT characters, with everything but printable ASCII escaped. */
export function quote(text: string): string {
  let quoted = ''
  for (let index = 0; index < text.length && index < QUOTE_LIMIT; index++) {
    const code = text.charCodeAt(index)
    if (code === 0x22 || code === 0x5c) quoted += `\\${text[index]}`
    else if (code >= 0x20 && code < 0x7f) quoted += text[index]
    else if (code === 0x0d) quoted += '\\r'
    else if (code === 0x0a) quoted += '\\n'
    else if (code === 0x09) quoted += '\\t'
    else quoted += `\\x${code.toString(16).padStart(2, '0')}`
  }
  return text.length > QUOTE_LIMIT ? `"${quoted}…"` : `"${quoted}"`
}
