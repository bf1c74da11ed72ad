import { isIPv4 } from 'node:net'
import { reasonOf } from '../../../error.js'
import {
  parseEprtArgument, parseEpsvArgument, parseEpsvReply, parsePasvReply, parsePortArgument, preparesData, withEpsvPort, withPasvAddress,
} from '../../../protocols/ftp/index.js'
import { isSameHost } from '../../../relay/ftp/same-host.js'
import type { Side } from '../../../relay/ftp/session.js'
import type { DataChannel } from './data-channel.js'
import type { Asked } from './misses.js'
import type { Answer } from './own-answers.js'
import type { RecordedReply } from './recorded-replies.js'

/** What becomes of PASV, EPSV, PORT and EPRT: whatever was recorded, the data connection is a fresh one. */
export class DataRequests {
  readonly #side: Side
  readonly #channel: DataChannel
  readonly #onProblem: (message: string) => void
  /** After EPSV ALL (RFC 2428 §4). */
  #extendedOnly = false

  constructor(side: Side, channel: DataChannel, onProblem: (message: string) => void) {
    this.#side = side
    this.#channel = channel
    this.#onProblem = onProblem
  }

  /** What no recording may change; null for what is allowed, and for other commands. */
  refusal({ verb, argument }: Asked): Answer | null {
    if (preparesData(verb) === null) return null
    if (this.#extendedOnly && verb !== 'EPSV') return { code: 501, text: `${verb} is not taken after EPSV ALL.` }
    const { own, peer } = this.#side
    const family = isIPv4(own.host) ? 4 : 6
    if (verb === 'PASV') return family === 4 ? null : { code: 522, text: 'PASV is for IPv4; use EPSV.' }
    if (verb === 'EPSV') {
      const wanted = parseEpsvArgument(argument)
      if (wanted === null) return { code: 501, text: 'EPSV takes 1, 2, ALL or nothing.' }
      return typeof wanted === 'number' && wanted !== family ? { code: 522, text: `Network protocol not supported, use (${family === 4 ? 1 : 2}).` } : null
    }
    const address = addressIn(verb, argument)
    if (address === null) return { code: 501, text: `${verb} has no address that can be read.` }
    // The bounce attack (RFC 2577 §3).
    if (!isSameHost(address.host, peer.host)) return { code: 500, text: `${verb} is for your own address.` }
    return address.port < 1024 ? { code: 500, text: `${verb} is for ports from 1024.` } : null
  }

  /** To be asked for what isn't refused. @param recorded the reply that is to be given, with an address of ours; null where there is none. */
  async prepare({ verb, argument }: Asked, recorded: RecordedReply | null): Promise<Answer> {
    const { own, peer } = this.#side
    if (verb === 'PORT' || verb === 'EPRT') {
      this.#channel.dialAt({ host: peer.host, port: addressIn(verb, argument)!.port })
      return recorded ?? { code: 200, text: `${verb} command successful.` }
    }
    if (verb === 'EPSV' && parseEpsvArgument(argument) === 'all') {
      this.#extendedOnly = true
      return recorded ?? { code: 200, text: 'EPSV ALL it is.' }
    }
    try {
      return passiveReply(verb, recorded, own.host, await this.#channel.listen(own.host, peer.host))
    } catch (thrown) {
      this.#onProblem(`no port for a data connection: ${reasonOf(thrown)}`)
      return { code: 425, text: 'No data connection can be opened.' }
    }
  }
}

function addressIn(verb: string, argument: string | null): { readonly host: string, readonly port: number } | null {
  return verb === 'PORT' ? parsePortArgument(argument ?? '') : parseEprtArgument(argument ?? '')
}

/** In the recorded server's words, where they have an address to replace. */
function passiveReply(verb: string, recorded: RecordedReply | null, host: string, port: number): Answer {
  if (verb === 'EPSV') {
    if (recorded?.code === 229 && parseEpsvReply(recorded.text) !== null) return { ...recorded, bytes: withEpsvPort(recorded.bytes, port) }
    return { code: 229, text: `Entering Extended Passive Mode (|||${port}|).` }
  }
  if (recorded?.code === 227 && parsePasvReply(recorded.text) !== null) return { ...recorded, bytes: withPasvAddress(recorded.bytes, { host, port }) }
  return { code: 227, text: `Entering Passive Mode (${[...host.split('.'), port >> 8, port & 0xff].join(',')}).` }
}
