import { WiretapeError, reasonOf, systemCodeOf } from '../../error.js'
import { formatAddress } from '../../relay/address.js'
import type { Address } from '../../recording/notes.js'
import { UnreadableJson } from '../json-text.js'
import { BodyTooLarge } from '../read-body.js'

/** What a client of the Toxiproxy API is told, word for word as the original says it. */
export class ToxiproxyError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export const badBody = (why: string): ToxiproxyError => new ToxiproxyError(400, `bad request body: ${why}`)
export const missingField = (field: string): ToxiproxyError => new ToxiproxyError(400, `missing required field: ${field}`)
export const invalidStream = (): ToxiproxyError => new ToxiproxyError(400, 'stream was invalid, can be either upstream or downstream')
export const invalidType = (): ToxiproxyError => new ToxiproxyError(400, 'invalid toxic type')
export const proxyNotFound = (): ToxiproxyError => new ToxiproxyError(404, 'proxy not found')
export const proxyExists = (): ToxiproxyError => new ToxiproxyError(409, 'proxy already exists')
export const toxicNotFound = (): ToxiproxyError => new ToxiproxyError(404, 'toxic not found')
export const toxicExists = (): ToxiproxyError => new ToxiproxyError(409, 'toxic already exists')

export function toToxiproxyError(thrown: unknown): ToxiproxyError {
  if (thrown instanceof ToxiproxyError) return thrown
  if (thrown instanceof UnreadableJson) return badBody(thrown.message)
  if (thrown instanceof BodyTooLarge) return new ToxiproxyError(413, `bad request body: ${thrown.message}`)
  return thrown instanceof WiretapeError && thrown.code === 'usage' ? badBody(thrown.message) : new ToxiproxyError(500, reasonOf(thrown))
}

/** Runs what listens on an address. @throws ToxiproxyError 500 in Go's words, where the address can't be had. */
export async function listening<T>(address: Address, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    if (!(thrown instanceof WiretapeError) || thrown.code !== 'bind') throw thrown
    throw new ToxiproxyError(500, `listen tcp ${formatAddress(address)}: ${wordsFor(systemCodeOf(thrown.cause))}`)
  }
}

function wordsFor(code: string | null): string {
  switch (code) {
    case 'EADDRINUSE': return 'bind: address already in use'
    case 'EACCES': return 'bind: permission denied'
    case 'EADDRNOTAVAIL': return 'bind: cannot assign requested address'
    case 'EMFILE': case 'ENFILE': return 'socket: too many open files'
    default: return `bind: ${code ?? 'it failed'}`
  }
}
