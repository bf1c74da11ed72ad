/** Deeper than this, lines only move further to the right: the indentation would outgrow the text. */
const deepest = 64

/**
 * Indents JSON without reading its values: names, their order and repetition, numbers and escapes stay as they came.
 * @returns null where the text isn't JSON.
 */
export function indentJson(text: string): string | null {
  try {
    JSON.parse(text)
  } catch {
    return null
  }
  let out = ''
  let depth = 0
  const line = (): string => `\n${'  '.repeat(Math.min(depth, deepest))}`
  const tokens = text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs)
  let before = ''
  for (const [token] of tokens) {
    if (token === '}' || token === ']') {
      depth--
      if (before !== '{' && before !== '[') out += line()
    } else if (before === '{' || before === '[') {
      out += line()
    }
    out += token
    if (token === '{' || token === '[') depth++
    else if (token === ',') out += line()
    else if (token === ':') out += ' '
    before = token
  }
  return out
}
