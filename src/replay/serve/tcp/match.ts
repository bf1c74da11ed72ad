import { WiretapeError } from '../../../error.js'

/**
 * What of a client's words has to be as recorded: every byte, the first 16 of each turn, or nothing, so that only turns are counted.
 */
export type TcpMatch = 'exact' | 'prefix' | 'turn'

/** How far scripts are told apart. */
export interface Reach {
  /** By so many bytes that the client says. */
  readonly up: number
  /** Also by what it says in later turns. */
  readonly later: boolean
}

/** Bytes at the beginning of each turn that have to be as recorded, and how far that tells scripts apart. */
export interface TcpMatching {
  readonly compared: number
  readonly reach: Reach
}

/** Bytes of a turn that `prefix` looks at: a command's name and what comes first after it. */
const prefixLength = 16

/** @throws WiretapeError `usage`. */
export function readTcpMatch(match: TcpMatch = 'exact'): TcpMatching {
  switch (match) {
    case 'exact': return { compared: Infinity, reach: { up: Infinity, later: true } }
    case 'prefix': return { compared: prefixLength, reach: { up: prefixLength, later: false } }
    case 'turn': return { compared: 0, reach: { up: 0, later: false } }
    default: throw new WiretapeError('usage', `--tcp-match ${String(match)}: expected exact, prefix or turn`)
  }
}
