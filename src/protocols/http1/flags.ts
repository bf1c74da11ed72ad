/**
 * Every framing oddity this decoder names: places where two parsers could read the same bytes as different messages,
 * which is how requests are smuggled, or as different fields. None of them stops decoding by itself; where the end of
 * a message can't be known any more, the decoder says so with an incomplete `end` and an `opaque` event.
 */
export const FLAGS = [
  /** Both framings are given; Transfer-Encoding wins (RFC 9112 §6.3 rule 3). */
  'content-length-and-transfer-encoding',
  /** The same length more than once, as fields or as a list `5, 5` (RFC 9112 §6.3 rule 5). */
  'repeated-content-length',
  /** Different lengths: without a Transfer-Encoding, the end of the body can't be known. */
  'conflicting-content-length',
  /** Not only digits, empty, or beyond 2^53-1: without a Transfer-Encoding, the end of the body can't be known. */
  'invalid-content-length',
  /** Whitespace between a field name and its colon; read as if it weren't there (RFC 9112 §5.1). */
  'space-before-colon',
  /** A field name that is no token (RFC 9110 §5.1), an empty one included; kept as it is. */
  'odd-field-name',
  /** Anything but `chunked` once, unparameterised and last, in a message of at least HTTP/1.1 (RFC 9112 §6.1). */
  'odd-transfer-encoding',
  /** Content-Length (other than 0) or Transfer-Encoding on a message that has no content: a CONNECT request, 1xx, 204. */
  'unexpected-framing',
  /** A line that ends in LF alone (RFC 9112 §2.2). */
  'bare-lf',
  /** A CR without its LF, which some parsers take for a line end or a space (RFC 9112 §2.2). */
  'bare-cr',
  /** A value that goes on in the next line; joined with one space (RFC 9112 §5.2). */
  'obs-fold',
  /** A NUL byte, at which some parsers stop reading. */
  'nul',
  /** Any other control character but HT, CR and LF. */
  'control-character',
  /** Lines that begin with whitespace right after the start line; left out of the headers (RFC 9112 §2.2). */
  'whitespace-before-first-header',
  /** More than one Host (RFC 9112 §3.2). */
  'repeated-host',
  /** A request of at least HTTP/1.1 without Host (RFC 9112 §3.2). */
  'missing-host',
  /** Tabs, runs of spaces, trailing whitespace or spaces in the target (RFC 9112 §3). */
  'odd-start-line',
  /** `HTTP/1.2`, `HTTP/0.9` and the like; read as HTTP/1.1. */
  'odd-version',
  /** Empty lines before a status line; only requests may have them in front (RFC 9112 §2.2). */
  'blank-line-before-status',
  /** A chunk size with whitespace around it, a `+` or a `0x`, read as strtol would (RFC 9112 §7.1). */
  'odd-chunk-size',
  /** A chunk-size line or chunk data that ends in LF alone (RFC 9112 §7.1). */
  'bare-lf-in-chunk',
] as const

export type Flag = typeof FLAGS[number]

export const NO_FLAGS: readonly Flag[] = Object.freeze([])

/** Both lists as one, without repeats. Gives back one of them, uncopied, where the other is empty. */
export function joinFlags(first: readonly Flag[], second: readonly Flag[]): readonly Flag[] {
  if (second.length === 0) return first
  if (first.length === 0) return second
  return Array.from(new Set([...first, ...second]))
}
