/*
 * What a hook may ask for besides changing its message in place: it returns one of these, or a list of them. Which ones a hook takes, its
 * type says.
 */

/** Wait, in ms, before the message goes to the next plugin and on. */
export interface Delay { readonly action: 'delay', readonly ms: number }
/** The message goes no further, and nobody is told. */
export interface Drop { readonly action: 'drop' }
/** End the connection in order (FIN), after what is under way. */
export interface Close { readonly action: 'close' }
/** Tear the connection down (RST on both sides). */
export interface Reset { readonly action: 'reset' }
/** Go to another server than the relay's. */
export interface Retarget { readonly action: 'retarget', readonly target: string }
/** Send the datagram so many times more. */
export interface Duplicate { readonly action: 'duplicate', readonly times: number }
/** FTP: this reply goes to the client; a command that is answered so doesn't reach the server. */
export interface Reply { readonly action: 'reply', readonly code: number, readonly text: string }
/** Answer in the server's stead. */
export interface Respond<Answer> { readonly action: 'respond', readonly answer: Answer }

export type Action = Delay | Drop | Close | Reset | Retarget | Duplicate | Reply | Respond<unknown>

/** @param ms a number of milliseconds, 0 or more. */
export function delay(ms: number): Delay {
  if (!Number.isFinite(ms) || ms < 0 || ms > 2 ** 31 - 1) throw new TypeError(`delay(${String(ms)}): expected milliseconds from 0 to ${2 ** 31 - 1}`)
  return { action: 'delay', ms }
}

export function drop(): Drop {
  return { action: 'drop' }
}

export function close(): Close {
  return { action: 'close' }
}

export function reset(): Reset {
  return { action: 'reset' }
}

/** @param target as on the command line: `host:port`, or a URL for HTTP. */
export function retarget(target: string): Retarget {
  if (typeof target !== 'string' || target === '') throw new TypeError(`retarget(${JSON.stringify(target)}): expected host:port, or a URL for HTTP`)
  return { action: 'retarget', target }
}

/** @param times how many more are sent. */
export function duplicate(times = 1): Duplicate {
  if (!Number.isSafeInteger(times) || times < 1 || times > 1000) throw new TypeError(`duplicate(${String(times)}): expected a number of copies from 1 to 1000`)
  return { action: 'duplicate', times }
}

/** @param code from 100 to 599. @param text several lines make a multi-line reply. */
export function reply(code: number, text: string): Reply {
  if (!Number.isSafeInteger(code) || code < 100 || code > 599) throw new TypeError(`reply(${code}): expected a code from 100 to 599`)
  return { action: 'reply', code, text }
}

/** @param answer of the kind that the hook's protocol has: an HttpAnswer, a DnsResponse, or a datagram's bytes. */
export function respond<const Answer>(answer: Answer): Respond<Answer> {
  return { action: 'respond', answer }
}

export type ActionKind = Action['action']

const kinds = new Set<string>(['delay', 'drop', 'close', 'reset', 'retarget', 'duplicate', 'reply', 'respond'] satisfies ActionKind[])

/** What a hook returned, as a list. @param allowed what this hook takes. @throws TypeError where it is anything else. */
export function readActions(result: unknown, allowed: readonly ActionKind[]): readonly Action[] {
  if (result === undefined || result === null) return none
  const list: readonly unknown[] = Array.isArray(result) ? result : [result]
  for (const one of list) {
    const kind = typeof one === 'object' && one !== null ? (one as { action?: ActionKind }).action : undefined
    if (kind !== undefined && allowed.includes(kind)) continue
    if (kind === undefined || !kinds.has(kind)) {
      throw new TypeError(`it returned ${one !== null && typeof one === 'object' ? JSON.stringify(one) : String(one)}, which is no action: return nothing, or delay(ms), drop(), respond(…) and the like`)
    }
    throw new TypeError(`it returned ${kind}, which this hook does not take: it takes ${allowed.length === 0 ? 'none' : allowed.join(', ')}`)
  }
  return list as readonly Action[]
}

const none: readonly Action[] = []
