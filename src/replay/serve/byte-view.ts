/** Bytes for a line of text: `47 45 54 20 |GET |`. */
export function byteView(bytes: Buffer, most = 16): string {
  const shown = bytes.subarray(0, most)
  const more = bytes.length > most ? ' …' : ''
  return `${shown.toString('hex').replaceAll(/(?<=..)(?=(?:..)+$)/g, ' ').replaceAll(/ +/g, ' ')} |${shown.toString('latin1').replaceAll(/[^ -~]/g, '.')}|${more}`
}

/** Where two differ first; the shorter one's length where it begins the other. */
export function firstDifference(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length)
  if (a.subarray(0, length).equals(b.subarray(0, length))) return length
  let at = 0
  while (a[at] === b[at]) at++
  return at
}
