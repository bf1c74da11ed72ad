import { definePlugin } from 'wiretape'
import type { RecordingMask } from 'wiretape'

/** Longest text that leads up to a secret: a header's name, a field's name and its colon. */
const longestLead = 256

/** Longest match of a pattern of one's own. */
const longestMatch = 2048

export default definePlugin({
  name: 'redact',
  description: 'Keeps secrets out of the recording: asterisks stand in their place, and the wire is left alone. Compressed bodies are not searched.',
  options: {
    headers: { type: 'list', default: ['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key', 'x-auth-token'], description: 'HTTP headers whose values are secret.' },
    fields: { type: 'list', default: ['password', 'passwd', 'secret', 'token', 'access_token', 'refresh_token', 'id_token', 'api_key', 'apikey', 'client_secret'], description: 'Fields of JSON and of forms whose values are secret.' },
    patterns: { type: 'list', default: [], description: `Regular expressions of what is secret, up to ${longestMatch} bytes long.` },
  },
  setup({ options: { headers, fields, patterns } }) {
    const leads = leadsOf(headers, fields)
    const expressions = patterns.map((pattern) => new RegExp(pattern, 'g'))
    return { recording: () => new Redaction(leads, expressions) }
  },
})

/** What leads up to a secret, and where that ends. */
interface Lead {
  readonly before: RegExp
  readonly until: RegExp
}

function leadsOf(headers: readonly string[], fields: readonly string[]): Lead[] {
  const any = (words: readonly string[]): string => words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
  const leads: Lead[] = []
  if (headers.length > 0) leads.push({ before: new RegExp(`\\n(?:${any(headers)})[ \\t]{0,8}:[ \\t]{0,8}`, 'gi'), until: /[\r\n]/g })
  if (fields.length > 0) {
    leads.push({ before: new RegExp(`"(?:${any(fields)})"\\s{0,16}:\\s{0,16}"`, 'gi'), until: /"/g })
    leads.push({ before: new RegExp(`"(?:${any(fields)})"\\s{0,16}:\\s{0,16}(?=[^\\s"])`, 'gi'), until: /[\s,}\]]/g })
    leads.push({ before: new RegExp(`[\\s?&](?:${any(fields)})=`, 'gi'), until: /[\s&]/g })
  }
  return leads
}

/** Reads a stream whatever way it is cut: keeps back what may be the beginning of a lead or a match. */
class Redaction implements RecordingMask {
  readonly #leads: readonly Lead[]
  readonly #patterns: readonly RegExp[]
  #held: Buffer = Buffer.from('\n')
  /** The line end put before the first line isn't the stream's. */
  #invented = 1
  /** The end of the secret that is being passed over; null outside of one. */
  #until: RegExp | null = null
  #escaped = false

  constructor(leads: readonly Lead[], patterns: readonly RegExp[]) {
    this.#leads = leads
    this.#patterns = patterns
  }

  take(bytes: Buffer): Buffer {
    this.#held = Buffer.concat([this.#held, bytes])
    return this.#release(this.#patterns.length > 0 ? longestMatch : longestLead)
  }

  end(): Buffer {
    return this.#release(0)
  }

  #release(keep: number): Buffer {
    const held = this.#held
    // Latin-1: a character for each byte.
    const text = held.toString('latin1')
    for (const pattern of this.#patterns) for (const match of text.matchAll(pattern)) held.fill('*', match.index, match.index + match[0].length)
    let at = 0
    for (;;) {
      if (this.#until !== null) {
        const end = this.#endOfSecret(text, at)
        held.fill('*', at, end)
        at = end
        if (this.#until !== null) break
      }
      const lead = this.#nextLead(text, at)
      if (lead === null) break
      at = lead.end
      this.#until = lead.until
    }
    const released = Math.max(at, held.length - keep)
    this.#held = held.subarray(released)
    const out = held.subarray(this.#invented, released)
    if (released > 0) this.#invented = 0
    return out
  }

  /** @returns where the secret ends, or the text does: then it goes on. */
  #endOfSecret(text: string, from: number): number {
    for (let at = from; at < text.length; at++) {
      if (this.#escaped) {
        this.#escaped = false
        continue
      }
      this.#until!.lastIndex = 0
      if (text[at] === '\\' && this.#until!.source === '"') this.#escaped = true
      else if (this.#until!.test(text[at]!)) {
        this.#until = null
        return at
      }
    }
    return text.length
  }

  #nextLead(text: string, from: number): { end: number, until: RegExp } | null {
    let first: { start: number, end: number, until: RegExp } | null = null
    for (const { before, until } of this.#leads) {
      before.lastIndex = from
      const match = before.exec(text)
      // One that reaches the end may go on with the next read: it is kept back, and looked at again.
      if (match !== null && match.index + match[0].length < text.length && (first === null || match.index < first.start)) first = { start: match.index, end: match.index + match[0].length, until }
    }
    return first
  }
}
