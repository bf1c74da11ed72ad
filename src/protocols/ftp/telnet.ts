/*
 * The control connection is a telnet one (RFC 959 §4.1.3, RFC 854): commands of its own may stand in the text, each
 * begun by IAC, and an IAC that is meant as text is doubled. What a client sends before ABOR is IAC IP IAC DM, with one
 * byte of it as TCP urgent data. Where the receiver doesn't take urgent data in line, that byte is missing: the DM
 * (FF F4 FF 'ABOR') or the IAC before it (FF F4 F2 'ABOR', as BSD's ftp sends it).
 */
const SE = 0xf0
const SB = 0xfa
const WILL = 0xfb
const IAC = 0xff

/**
 * A line, given without its line end, as it reads without telnet sequences. Gives the same buffer back where it has
 * none, else a copy.
 *
 * An IAC that begins no sequence is taken for text that somebody didn't double, unless it stands before all text.
 */
export function withoutTelnet(content: Buffer): Buffer {
  const first = content.indexOf(IAC)
  if (first === -1) return content
  const text = Buffer.allocUnsafe(content.length)
  let length = content.copy(text, 0, 0, first)
  for (let index = first; index < content.length;) {
    const code = content[index]!
    if (code !== IAC) {
      // A DM whose IAC was urgent. No verb and no reply begins with such a byte.
      if (length > 0 || code < SE) text[length++] = code
      index++
      continue
    }
    const command = content[index + 1] ?? 0
    if (command === IAC) {
      text[length++] = IAC
      index += 2
    } else if (command >= WILL) {
      index += 3
    } else if (command === SB) {
      index = subnegotiationEnd(content, index + 2)
    } else if (command >= SE) {
      index += 2
    } else {
      if (length > 0) text[length++] = IAC
      index++
    }
  }
  return text.subarray(0, length)
}

function subnegotiationEnd(content: Buffer, from: number): number {
  for (let index = from; index + 1 < content.length; index++) {
    if (content[index] !== IAC) continue
    if (content[index + 1] === SE) return index + 2
    // A doubled IAC is data of the subnegotiation.
    index++
  }
  return content.length
}
