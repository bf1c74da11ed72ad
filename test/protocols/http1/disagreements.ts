/*
 * Where other parsers read a sample differently, and why ours reads it as it does. A recorder has to follow what the
 * two ends made of their bytes, so where one reading is plain it's taken, with a flag, though a server should refuse it.
 * Where the end of a message can be read in two ways, the decoder stops rather than guess.
 */

const REFUSES_UNREGISTERED = 'refuses methods that it has no number for; a method is any token (RFC 9110 §9.1)'
const REFUSES_EQUAL_LENGTHS = 'refuses equal lengths too; RFC 9112 §6.3 rule 5 lets a recipient take the one value, and we flag it'
const REFUSES_BOTH = 'refuses both framings together; RFC 9112 §6.3 rule 3 lets Transfer-Encoding win, and we flag it'
const REFUSES_FOLD = 'refuses folded lines; RFC 9112 §5.2 lets a recipient join them, and we flag it'
const REFUSES_CHUNK_SIZE = 'refuses anything but digits before the extensions; servers that use strtol read it as we do, and we flag it'
const REFUSES_BARE_LF = 'wants CRLF here; RFC 9112 §2.2 lets a recipient take a bare LF for a line end, and we flag it'
const REFUSES_SPACE_BEFORE_COLON = 'refuses it, as RFC 9112 §5.1 asks of a server; we read the field as proxies would and flag it'
const REFUSES_NAME = 'refuses names that are no tokens; no framing hangs on them, so we keep them and flag it'
const REFUSES_CONTROL = 'refuses control characters in values; no framing hangs on them, so we keep them and flag it'
const REFUSES_BARE_CR = 'refuses a bare CR; we keep it in the value and flag it'
const REFUSES_SPACING = 'refuses this spacing; RFC 9112 §3 lets a recipient split at any whitespace, and we flag it'
const REFUSES_VERSION = 'knows no minor versions beyond 1; by RFC 9110 §2.5 it reads as 1.1, and we flag it'
const ACCEPTS_LONG_SIZE = 'sets no limit to leading zeros; we give up after 16 digits, which no honest size has'
const ACCEPTS_2_0 = 'reads a request line that says HTTP/2.0; nobody sends HTTP/2 so, and what follows can\'t be HTTP/1'
const CONVERTS_LENGTH = 'converts lengths as JavaScript does, so "+5", "0x5" and "" count; they are not 1*DIGIT (RFC 9110 §8.6)'
const WHOLE_VALUE_CODING = 'compares the whole last Transfer-Encoding with "chunked", and reads any other request as if it had no body'
const DROPS_FIELD = 'drops a line that isn\'t name, colon, value'
const NO_BODY_LENGTH = 'lets the length win over the status, and waits for a body that can\'t come (RFC 9112 §6.3 rule 1)'

// Node 22 refuses it too.
const NODE_BEFORE_22: Record<string, string> = Number.parseInt(process.versions.node) < 22
  ? { 'request coding empty': 'takes an empty Transfer-Encoding for none; it doesn\'t end in chunked, so we can\'t know the end' }
  : {}

export const DISAGREEMENTS: Record<'node' | 'http-parser-js', Record<string, string>> = {
  'node': {
    'request unregistered method': REFUSES_UNREGISTERED,
    'request length twice, equal': REFUSES_EQUAL_LENGTHS,
    'request length list': REFUSES_EQUAL_LENGTHS,
    'request length and chunked': REFUSES_BOTH,
    'request chunked twice': 'refuses it, as a sender must not do it (RFC 9112 §6.1); chunked is last all the same, and we flag it',
    'request coding folded': REFUSES_FOLD,
    ...NODE_BEFORE_22,
    'request chunk size with 0x': REFUSES_CHUNK_SIZE,
    'request chunk size with plus': REFUSES_CHUNK_SIZE,
    'request chunk size then space': REFUSES_CHUNK_SIZE,
    'request chunk size after space': REFUSES_CHUNK_SIZE,
    'request chunk size too long': ACCEPTS_LONG_SIZE,
    'request chunk lines with bare LF': REFUSES_BARE_LF,
    'request bare CR in chunk extension': REFUSES_BARE_CR,
    'request bare LF in trailers': REFUSES_BARE_LF,
    'request space before colon': REFUSES_SPACE_BEFORE_COLON,
    'request folded value': REFUSES_FOLD,
    'request empty name': REFUSES_NAME,
    'request name with space': REFUSES_NAME,
    'request NUL in value': REFUSES_CONTROL,
    'request control character in value': REFUSES_CONTROL,
    'request bare CR in value': REFUSES_BARE_CR,
    'request bare CR before CRLF': REFUSES_BARE_CR,
    'request whitespace before first field': 'refuses it; RFC 9112 §2.2 lets a recipient ignore such lines, and we flag it',
    'request bare LF lines': REFUSES_BARE_LF,
    'request bare LF blank line': REFUSES_BARE_LF,
    'request space after version': REFUSES_SPACING,
    'request space in target': REFUSES_SPACING,
    'request tab in request line': REFUSES_SPACING,
    'request version 1.2': REFUSES_VERSION,
    'request version 2.0': ACCEPTS_2_0,
    'request fold of one space and bare LF': REFUSES_FOLD,
    'request no version': 'answers an HTTP/0.9 request; that protocol has no heads to decode, so it stays opaque here',
    'response length and chunked': REFUSES_BOTH,
    'response length twice, equal': REFUSES_EQUAL_LENGTHS,
    'response space before colon': REFUSES_SPACE_BEFORE_COLON,
    'response folded value': REFUSES_FOLD,
    'response bare LF lines': REFUSES_BARE_LF,
    'response NUL in value': REFUSES_CONTROL,
    'response two spaces before status': REFUSES_SPACING,
    'response version 1.2': REFUSES_VERSION,
  },
  'http-parser-js': {
    'request unregistered method': REFUSES_UNREGISTERED,
    'request bare CR first': 'takes empty lines only with their LF; servers like Node\'s pass over a CR alone, and so do we, with a flag',
    'request length with plus': CONVERTS_LENGTH,
    'request length in hex': CONVERTS_LENGTH,
    'request length empty': CONVERTS_LENGTH,
    'request length list': 'makes NaN of a list, and then no body; equal values count as one (RFC 9112 §6.3 rule 5)',
    'request gzip then chunked': WHOLE_VALUE_CODING,
    'request coding xchunked': WHOLE_VALUE_CODING,
    'request coding quoted': WHOLE_VALUE_CODING,
    'request chunked twice': WHOLE_VALUE_CODING,
    'request chunked not last': WHOLE_VALUE_CODING,
    'request coding after vertical tab': WHOLE_VALUE_CODING,
    'request coding empty': WHOLE_VALUE_CODING,
    'request chunk size empty': 'takes a size without digits for 0, the end of the body; that is no chunk-size (RFC 9112 §7.1)',
    'request chunk size too long': ACCEPTS_LONG_SIZE,
    'request trailer without colon': DROPS_FIELD,
    'request space before colon': DROPS_FIELD,
    'request line without colon': DROPS_FIELD,
    'request empty name': DROPS_FIELD,
    'request name with space': DROPS_FIELD,
    'request bare CR in value': REFUSES_BARE_CR,
    'request bare CR before CRLF': REFUSES_BARE_CR,
    'request latin1 in value': 'reads heads as ASCII and loses the eighth bit',
    'request two spaces before target': REFUSES_SPACING,
    'request two spaces after target': REFUSES_SPACING,
    'request space after version': REFUSES_SPACING,
    'request space in target': REFUSES_SPACING,
    'request tab in request line': REFUSES_SPACING,
    'request version 2.0': ACCEPTS_2_0,
    'request TLS hello': 'waits for a line end whatever the bytes are, and counts an unfinished first line as nothing',
    'response 204 with length': NO_BODY_LENGTH,
    'response 304 with length': NO_BODY_LENGTH,
    'response length with plus': CONVERTS_LENGTH,
    'response space before colon': DROPS_FIELD,
    'response two spaces before status': REFUSES_SPACING,
    'response four digits': 'takes the fourth digit for the reason; a status has three (RFC 9112 §4)',
  },
}
