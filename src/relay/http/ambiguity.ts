import type { Flag } from '../../protocols/http1/index.js'

/** Whether a message with this oddity is refused where messages are changed, and why. `forwarded`: no boundary and no meaning hangs on it. */
type Verdict = { readonly refused: 'both' | 'requests' | 'neither', readonly because: string }

/**
 * A relay that looks inside messages is a proxy: what it took for one message, the server may take for two. So what can be read in two
 * ways is refused (400, or 502 for a response), where a relay without message hooks passes it on as it came.
 */
const verdicts: Readonly<Record<Flag, Verdict>> = {
  'content-length-and-transfer-encoding': { refused: 'both', because: 'the classic way to smuggle a request (RFC 9112 §6.1, §11.2)' },
  'repeated-content-length': { refused: 'both', because: 'one reader takes the first, another the list (RFC 9112 §6.3 rule 5)' },
  'conflicting-content-length': { refused: 'both', because: 'the end of the body cannot be known (RFC 9112 §6.3 rule 5)' },
  'invalid-content-length': { refused: 'both', because: 'the end of the body cannot be known (RFC 9112 §6.3 rule 5)' },
  'space-before-colon': { refused: 'both', because: 'a server has to answer 400 (RFC 9112 §5.1); some take it for another field' },
  'odd-field-name': { refused: 'both', because: 'some readers drop what others take for a framing field' },
  'odd-transfer-encoding': { refused: 'both', because: 'who does not know the coding reads another end (RFC 9112 §6.1)' },
  'unexpected-framing': { refused: 'both', because: 'some readers wait for a body that cannot come (RFC 9112 §6.3 rule 1)' },
  'bare-lf': { refused: 'both', because: 'a recipient may take it for a line end, and need not (RFC 9112 §2.2)' },
  'bare-cr': { refused: 'both', because: 'it is invalid or a space, as the reader likes (RFC 9112 §2.2)' },
  'obs-fold': { refused: 'both', because: 'a server has to answer 400 and a proxy 502, or unfold it (RFC 9112 §5.2)' },
  'nul': { refused: 'both', because: 'some readers stop at it' },
  'control-character': { refused: 'neither', because: 'it stands in a value; where it touches the framing, another flag says so' },
  'whitespace-before-first-header': { refused: 'both', because: 'it is to be rejected or left out, as the reader likes (RFC 9112 §2.2)' },
  'repeated-host': { refused: 'requests', because: 'a server has to answer 400 (RFC 9112 §3.2); two readers may pick two hosts' },
  'missing-host': { refused: 'neither', because: 'there is only one reading: the server will say what it thinks of it' },
  'odd-start-line': { refused: 'both', because: 'where the target, or the status, begins and ends is the reader\'s guess (RFC 9112 §3)' },
  'odd-version': { refused: 'both', because: 'which framings a version has is the reader\'s guess' },
  'blank-line-before-status': { refused: 'both', because: 'only requests may have empty lines in front (RFC 9112 §2.2)' },
  'odd-chunk-size': { refused: 'both', because: 'it is read as strtol would, or not at all (RFC 9112 §7.1)' },
  'bare-lf-in-chunk': { refused: 'both', because: 'readers that skip to CRLF see another chunk (RFC 9112 §7.1)' },
}

/** Those of the flags for which the message is refused. */
export function ambiguousIn(side: 'request' | 'response', flags: readonly Flag[]): readonly Flag[] {
  if (flags.length === 0) return flags
  return flags.filter((flag) => verdicts[flag].refused === 'both' || (side === 'request' && verdicts[flag].refused === 'requests'))
}
