const width = 16

/** Bytes as `hexdump -C` shows them: offset, hex, printable ASCII. */
export function hexDump(bytes: Buffer, offset = 0): string[] {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += width) {
    const row = bytes.subarray(at, at + width)
    const hex = [...row].map((byte, index) => byte.toString(16).padStart(2, '0') + (index === 7 ? ' ' : '')).join(' ')
    const text = [...row].map((byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.').join('')
    lines.push(`${(offset + at).toString(16).padStart(8, '0')}  ${hex.padEnd(width * 3)}  |${text}|`)
  }
  return lines
}
