export type ImportKind = 'pcap' | 'nanosecond pcap' | 'pcapng' | 'har'

/** What else files begin with that are taken for captures, by name. */
const others: readonly (readonly [start: string, name: string])[] = [
  ['53514c69746520666f726d6174203300', 'an SQLite database: a recording is opened as it is, with wiretape ls or show'],
  ['504b0304', 'a ZIP archive'], ['377abcaf271c', 'a 7z archive'], ['fd377a585a00', 'xz-compressed: unpack it first'],
  ['28b52ffd', 'zstd-compressed: unpack it first'], ['425a68', 'bzip2-compressed: unpack it first'], ['04224d18', 'lz4-compressed: unpack it first'],
  ['736e6f6f70', 'a snoop capture (Solaris), which is not read: tshark -r FILE -w OUT.pcapng converts it'],
  ['a1b2cd34', 'a capture in Kuznetzov\'s variant of pcap, which is not read: tshark -r FILE -w OUT.pcapng converts it'],
  ['34cdb2a1', 'a capture in Kuznetzov\'s variant of pcap, which is not read: tshark -r FILE -w OUT.pcapng converts it'],
  ['525453', 'a Microsoft Network Monitor capture, which is not read'], ['474d4255', 'a Microsoft Network Monitor capture, which is not read: tshark -r FILE -w OUT.pcapng converts it'],
  ['7f454c46', 'a program (ELF)'], ['89504e47', 'a PNG image'], ['ffd8ff', 'a JPEG image'], ['25504446', 'a PDF'],
]

/** What a file to be imported is, by its first bytes, with gzip undone; or in words what it looks like instead. */
export function recognize(bytes: Buffer): { readonly kind: ImportKind } | { readonly looksLike: string } {
  switch (bytes.toString('hex', 0, 4)) {
    case 'd4c3b2a1': case 'a1b2c3d4': return { kind: 'pcap' }
    case '4d3cb2a1': case 'a1b23c4d': return { kind: 'nanosecond pcap' }
    case '0a0d0d0a': return { kind: 'pcapng' }
  }
  if (bytes.length === 0) return { looksLike: 'it is empty' }
  const hex = bytes.toString('hex', 0, 16)
  const other = others.find(([start]) => hex.startsWith(start))
  if (other !== undefined) return { looksLike: `it looks like ${other[1]}` }
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '').trimStart()
  if (/^\{\s*"log"\s*:/.test(text)) return { kind: 'har' }
  return { looksLike: `it looks like ${describeText(text)}` }
}

function describeText(text: string): string {
  if (/^[[{]/.test(text)) return 'JSON, but a HAR is an object that begins with "log"'
  if (/^<!doctype html|^<html/i.test(text)) return 'an HTML page'
  if (text.startsWith('<')) return 'XML'
  if (text.startsWith('#!')) return 'a script'
  if (/^\d\d:\d\d:\d\d\.\d+ /.test(text)) return 'what tcpdump prints: have it write a capture with -w FILE'
  // oxlint-disable-next-line no-control-regex
  return /[\u0000-\u0008\u000e-\u001f\ufffd]/.test(text) ? 'binary data of another kind' : 'text'
}
