const LF = 0x0a
const CR = 0x0d
const HT = 0x09
const SP = 0x20
const DEL = 0x7f

const GREETINGS: readonly (readonly [start: string, name: string])[] = [
  ['HTTP/', 'HTTP'], ['SSH-', 'SSH'], ['+OK', 'POP3'], ['* OK', 'IMAP'], ['* PREAUTH', 'IMAP'], ['RFB ', 'VNC'],
]

/**
 * What a server speaks whose first line begins so, as a reason to stop decoding; null where it may be FTP. SMTP greets
 * with 220 too and can't be told from it. What it gives doesn't depend on how much of the line has come already.
 */
export function foreignGreeting(line: Buffer): string | null {
  if (looksLikeTls(line)) return 'this looks like TLS, not FTP: the server expects TLS from the first byte (implicit FTPS, port 990), or says it failed'
  if (isBinary(line)) return 'the greeting is binary: this is no FTP server'
  for (const [start, name] of GREETINGS) {
    if (startsWith(line, start)) return `the greeting looks like ${name}, not FTP`
  }
  return null
}

/** What a client speaks whose first line begins so; null where it may be FTP. See foreignGreeting. */
export function foreignRequest(line: Buffer): string | null {
  if (looksLikeTls(line)) return 'this looks like TLS from the first byte (implicit FTPS), not FTP in the clear'
  if (startsWith(line, 'SSH-')) return 'the client speaks SSH, not FTP'
  if (line.at(-1) === LF && / HTTP\/1\.[01]\r?\n$/.test(line.toString('latin1'))) return 'the client speaks HTTP, not FTP'
  return null
}

/** A TLS record: handshake (22) or alert (21), then the major version 3 (RFC 8446 §5.1). */
function looksLikeTls(line: Buffer): boolean {
  return (line[0] === 0x15 || line[0] === 0x16) && line[1] === 0x03
}

/** Two bytes are waited for, so that TLS gets its name. 0xFF may begin a telnet sequence. */
function isBinary(line: Buffer): boolean {
  const first = line[0]!
  if (line.length < 2 || first === LF || first === CR || first === HT || first === 0xff) return false
  return first < SP || first >= DEL
}

function startsWith(line: Buffer, text: string): boolean {
  return line.length >= text.length && line.toString('latin1', 0, text.length) === text
}
