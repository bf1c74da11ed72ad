/**
 * Bytes as one word of a bash command: whatever they are, the shell takes them for nothing else. They are latin1 where given as a string.
 * NUL can't be in any word: it is the caller's to keep it out.
 */
export function shellWord(bytes: Buffer | string): string {
  const text = typeof bytes === 'string' ? bytes : bytes.toString('latin1')
  if (/^[\w./:=,@%+][\w./:=,@%+-]*$/.test(text) && !/[\u0080-\uffff]/.test(text)) return text
  if (/^[ -~]*$/.test(text) && !text.includes('!') && !text.includes('\'')) return `'${text}'`
  // Bytes as such: what they are as text depends on the reader's locale. "!" would be looked up in an interactive shell's history.
  // oxlint-disable-next-line no-control-regex
  return `$'${text.replaceAll(/[^ -~]|[\\'!]/g, (character) => named[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`
}

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', '\'': '\\\'' }
