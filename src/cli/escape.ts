/**
 * What a terminal would act on instead of showing: C0 and C1 controls, DEL, and the marks that reorder text (with which
 * a line can be made to read as another).
 */
// oxlint-disable-next-line no-control-regex
const acting = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** Text from the wire, safe to print over several lines: newlines and tabs stay, every other control is spelt out. */
export function printableText(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(acting, spelt)
}

/** The same for one line of output: newlines and tabs are spelt out too. */
export function printableLine(text: string): string {
  return text.replace(acting, spelt).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}

/** JSON on one line. It means the same, and has nothing in it that a terminal would act on. */
export function printableJson(value: unknown): string {
  return printableJsonText(JSON.stringify(value))
}

/** The same of JSON that is text already, whole or in part; line ends between values stay. */
export function printableJsonText(json: string): string {
  return json.replace(acting, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function spelt(character: string): string {
  const code = character.charCodeAt(0)
  if (code === 0x0d) return '\\r'
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
