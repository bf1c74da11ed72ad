/** By the names of the Encoding Standard: what each character is in bytes, as one number. Those of one byte are below 256. */
const tables = new Map<string, ReadonlyMap<string, number>>()

/** Two bytes for most characters, the first of them 0x81 or more. */
const doubleByte: ReadonlySet<string> = new Set(['shift_jis', 'euc-jp', 'euc-kr', 'big5', 'gbk', 'gb18030'])

/** Read by what came before: no table tells their bytes. */
const withState: ReadonlySet<string> = new Set(['iso-2022-jp', 'replacement', 'hz-gb-2312', 'utf-7'])

/** Bytes for characters that have others too, which nobody writes (Encoding Standard §12.3.2, §14.1). */
const seldom: Readonly<Record<string, (lead: number) => boolean>> = { shift_jis: (lead) => lead === 0xed || lead === 0xee, big5: (lead) => lead < 0xa1 }

/** From 0x80 to 0x9f, where windows-1252 differs from Latin-1. */
const windows = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'

/** The name of the Encoding Standard for one; null where there is no such. */
export function charsetNamed(label: string): string | null {
  try {
    return new TextDecoder(label).encoding
  } catch {
    return null
  }
}

/** @returns the bytes that are read as this text by this charset; null where it doesn't have all of its characters. */
export function encodeText(text: string, label: string): Buffer | null {
  const charset = charsetNamed(label)
  if (charset === null || withState.has(charset) || /\p{Surrogate}/u.test(text)) return null
  if (charset === 'utf-8') return Buffer.from(text)
  if (charset === 'utf-16le') return Buffer.from(text, 'utf16le')
  if (charset === 'utf-16be') return Buffer.from(text, 'utf16le').swap16()
  let table = tables.get(charset)
  if (table === undefined) tables.set(charset, table = tableOf(charset))
  const bytes = Buffer.allocUnsafe(text.length * 2)
  let length = 0
  for (const character of text) {
    const number = character < '\u0080' ? character.charCodeAt(0) : table.get(character)
    if (number === undefined) return null
    if (number > 0xff) bytes[length++] = number >> 8
    bytes[length++] = number & 0xff
  }
  return bytes.subarray(0, length)
}

/** There is a decoder for each charset, and no encoder: what all bytes are read as tells it. */
function tableOf(charset: string): Map<string, number> {
  const table = new Map<string, number>()
  if (doubleByte.has(charset)) {
    const isSeldom = seldom[charset] ?? (() => false)
    const pairs = Array.from({ length: 0x7e * 0xbf }, (_, n) => [0x81 + Math.floor(n / 0xbf), 0x40 + n % 0xbf] as const)
    for (const some of [pairs.filter(([lead]) => !isSeldom(lead)), pairs.filter(([lead]) => isSeldom(lead))]) add(table, charset, some)
  }
  add(table, charset, Array.from({ length: 128 }, (_, n) => [0x80 + n]))
  // Some decoders read it as Latin-1, whose name stands for it in the Encoding Standard.
  if (charset === 'windows-1252') {
    for (let place = 0; place < windows.length; place++) for (const one of [windows.charAt(place), String.fromCharCode(0x80 + place)]) table.set(one, 0x80 + place)
  }
  return table
}

/** A line each: no line feed is the second of two bytes. */
function add(table: Map<string, number>, charset: string, characters: readonly (readonly number[])[]): void {
  const lines = new TextDecoder(charset).decode(Buffer.from(characters.flatMap((bytes) => [...bytes, 0x0a]))).split('\n')
  for (const [place, bytes] of characters.entries()) {
    const text = lines[place]!
    const isOne = text !== '\ufffd' && String.fromCodePoint(text.codePointAt(0) ?? 0) === text
    if (isOne && text >= '\u0080' && !table.has(text)) table.set(text, bytes.reduce((number, byte) => number * 256 + byte, 0))
  }
}
