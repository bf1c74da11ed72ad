const CR = 0x0d
const IAC = 0xff

/** A command line with its CRLF. What telnet would read otherwise is written so that it is text: IAC is doubled, a CR has a NUL after it (RFC 854). */
export function encodeCommand(verb: string, argument: Buffer | null): Buffer {
  if (argument === null) return Buffer.from(`${verb}\r\n`, 'latin1')
  return Buffer.concat([Buffer.from(`${verb} `, 'latin1'), asTelnetText(argument), Buffer.from('\r\n')])
}

/** A reply with its CRLFs. Several lines make a multi-line one, in which no line before the last can be taken for it (RFC 959 §4.2). */
export function encodeReply(code: number, text: string, encoding: 'utf8' | 'latin1' = 'utf8'): Buffer {
  const lines = text.split(/\r\n|\r|\n/)
  const last = lines.length - 1
  const written = lines.map((line, index) => {
    if (index === last) return `${code} ${line}\r\n`
    if (index === 0) return `${code}-${line}\r\n`
    return `${/^\d{3}/.test(line) ? ' ' : ''}${line}\r\n`
  })
  return asTelnetText(Buffer.from(written.join(''), encoding), false)
}

function asTelnetText(bytes: Buffer, escapesCr = true): Buffer {
  if (!bytes.includes(IAC) && !(escapesCr && bytes.includes(CR))) return bytes
  const written: number[] = []
  for (const byte of bytes) {
    written.push(byte)
    if (byte === IAC) written.push(IAC)
    if (byte === CR && escapesCr) written.push(0)
  }
  return Buffer.from(written)
}
