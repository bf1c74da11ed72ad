import { firstHeader, headerValues } from '../../protocols/http1/index.js'
import type { HeaderFields } from '../../recording/rows.js'
import { headText } from './head.js'

/** The parts of HAR 1.2 that are read out of heads: names are the specification's. */

export interface NameValue {
  readonly name: string
  readonly value: string
}

export interface ResponseCookie extends NameValue {
  readonly path?: string
  readonly domain?: string
  /** ISO 8601. */
  readonly expires?: string
  readonly httpOnly?: boolean
  readonly secure?: boolean
  readonly sameSite?: string
}

export function headerList(headers: HeaderFields): NameValue[] {
  return headers.map(([name, value]) => ({ name: headText(name), value: headText(value) }))
}

export function headerOf(headers: HeaderFields, name: string): string | null {
  return firstHeader(headers, name) ?? null
}

export function requestCookies(headers: HeaderFields): NameValue[] {
  return headerValues(headers, 'cookie').flatMap((line) => headText(line).split(';')).map((pair) => pair.trim()).filter((pair) => pair !== '').map(pairOf)
}

export function responseCookies(headers: HeaderFields): ResponseCookie[] {
  return headerValues(headers, 'set-cookie').map((line) => {
    const [pair, ...attributes] = headText(line).split(';').map((part) => part.trim())
    const cookie: Record<string, string | boolean> = {}
    for (const { name, value } of attributes.map(pairOf)) {
      switch (name.toLowerCase()) {
        case 'path': cookie['path'] = value; break
        case 'domain': cookie['domain'] = value; break
        case 'samesite': cookie['sameSite'] = value; break
        case 'httponly': cookie['httpOnly'] = true; break
        case 'secure': cookie['secure'] = true; break
        case 'expires': {
          const time = new Date(value)
          if (!Number.isNaN(time.getTime())) cookie['expires'] = time.toISOString()
        }
      }
    }
    return { ...pairOf(pair!), ...cookie }
  })
}

/** Of a query, without its question mark, or of a form: + is a space, and %XX the bytes of UTF-8. */
export function parameters(text: string): NameValue[] {
  return text.split('&').filter((pair) => pair !== '').map((pair) => {
    const { name, value } = pairOf(pair)
    return { name: unescaped(name), value: unescaped(value) }
  })
}

function unescaped(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}

function pairOf(pair: string): NameValue {
  const equals = pair.indexOf('=')
  return equals < 0 ? { name: pair.trim(), value: '' } : { name: pair.slice(0, equals).trim(), value: pair.slice(equals + 1).trim() }
}

/** The parts of a form of one body each (RFC 7578), as far as they are text. */
export function multipartParameters(text: string, type: string): (NameValue & { readonly fileName?: string, readonly contentType?: string })[] {
  const boundary = /boundary\s*=\s*(?:"([^"]+)"|([^;\s]+))/i.exec(type)
  if (boundary === null) return []
  return text.split(`--${boundary[1] ?? boundary[2]!}`).slice(1, -1).flatMap((part) => {
    const blank = part.indexOf('\r\n\r\n')
    if (blank < 0) return []
    const head = part.slice(0, blank)
    const name = /name="([^"]*)"/i.exec(head)?.[1]
    if (name === undefined) return []
    const fileName = /filename="([^"]*)"/i.exec(head)?.[1]
    const contentType = /^content-type:[ \t]*(.*)$/im.exec(head)?.[1]?.trim()
    return [{
      name, value: part.slice(blank + 4).replace(/\r\n$/, ''),
      ...(fileName === undefined ? {} : { fileName }), ...(contentType === undefined ? {} : { contentType }),
    }]
  })
}
