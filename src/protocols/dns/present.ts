/** A record's data as dns-packet gives it. */
type Fields = Readonly<Record<string, unknown>>

/**
 * How each type's data stands in a zone file (RFC 1035 §5.1), where that isn't its fields one after another.
 * Names are without the final dot.
 */
const forms: Readonly<Record<string, (data: Fields) => string>> = {
  // RFC 8659 §4.1.1
  CAA: ({ flags, tag, value }) => `${number(flags)} ${text(tag)} ${quoted(value)}`,
  // RFC 4034 §2.2: the protocol can only be 3.
  DNSKEY: ({ flags, algorithm, key }) => `${number(flags)} 3 ${number(algorithm)} ${base64(key)}`,
  // RFC 4034 §3.2
  RRSIG: (data) => [
    text(data['typeCovered']).replace('UNKNOWN_', 'TYPE'), number(data['algorithm']), number(data['labels']), number(data['originalTTL']),
    dated(data['expiration']), dated(data['inception']), number(data['keyTag']), text(data['signersName']), base64(data['signature']),
  ].join(' '),
  // RFC 5155 §3.3: the hash is base32 with hex digits, the salt "-" where there is none.
  NSEC3: ({ algorithm, flags, iterations, salt, nextDomain, rrtypes }) =>
    [number(algorithm), number(flags), number(iterations), hex(salt) || '-', base32hex(nextDomain), ...types(rrtypes)].join(' '),
  NSEC: ({ nextDomain, rrtypes }) => [text(nextDomain), ...types(rrtypes)].join(' '),
  // RFC 3403 §4
  NAPTR: ({ order, preference, flags, services, regexp, replacement }) =>
    [number(order), number(preference), quoted(flags), quoted(services), quoted(regexp), text(replacement)].join(' '),
  HINFO: ({ cpu, os }) => `${quoted(cpu)} ${quoted(os)}`,
}

/** A record's data as zone files write it; of a type that has no form here, as RFC 3597 §5 does. */
export function present(type: string, data: unknown): string {
  if (type === 'TXT') return (Array.isArray(data) ? data : [data]).map(quoted).join(' ')
  if (Buffer.isBuffer(data)) return `\\# ${data.length}${data.length === 0 ? '' : ` ${data.toString('hex')}`}`
  if (typeof data !== 'object' || data === null) return plain(data)
  const form = forms[type]
  return form === undefined ? Object.values(data).map(plain).join(' ') : form(data as Fields)
}

function plain(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return number(value)
  return Buffer.isBuffer(value) ? hex(value) : ''
}

/** RFC 1035 §5.1: what would end the text or isn't printable is escaped, by its byte's number. */
function quoted(value: unknown): string {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(text(value))
  return `"${bytes.toString('latin1').replaceAll(/[^ -~]|["\\]/g, (character) =>
    character === '"' || character === '\\' ? `\\${character}` : `\\${String(character.charCodeAt(0)).padStart(3, '0')}`)}"`
}

/** RFC 4034 §3.2: YYYYMMDDHHmmSS, in UTC. */
function dated(seconds: unknown): string {
  return new Date(Number(seconds) * 1000).toISOString().replaceAll(/\.\d+|\D/g, '')
}

function base64(bytes: unknown): string {
  return Buffer.isBuffer(bytes) ? bytes.toString('base64') : ''
}

function hex(bytes: unknown): string {
  return Buffer.isBuffer(bytes) ? bytes.toString('hex').toUpperCase() : ''
}

/** RFC 4648 §7, without padding. */
function base32hex(bytes: unknown): string {
  if (!Buffer.isBuffer(bytes)) return ''
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? []).map((five) => Number.parseInt(five.padEnd(5, '0'), 2).toString(32).toUpperCase()).join('')
}

function types(list: unknown): string[] {
  return Array.isArray(list) ? list.map((type) => text(type).replace('UNKNOWN_', 'TYPE')) : []
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function number(value: unknown): string {
  return typeof value === 'number' ? String(value) : ''
}
