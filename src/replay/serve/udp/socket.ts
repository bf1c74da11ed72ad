import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { lookup } from 'node:dns'
import { isIPv6 } from 'node:net'
import { WiretapeError, reasonOf, systemCodeOf } from '../../../error.js'
import type { Address } from '../../../recording/notes.js'
import { formatAddress } from '../../../relay/address.js'

/** Bytes asked of the system, so that a burst of questions waits instead of being lost. */
const buffer = 4 * 1024 * 1024

/** A bound UDP socket. @throws WiretapeError `bind`, naming the address. */
export async function bindDatagrams(address: Address): Promise<Socket> {
  let bound = false
  const socket = createSocket({
    type: isIPv6(address.host) ? 'udp6' : 'udp4',
    // Clients are answered by their IP address: nothing to look up, so that answers keep their order.
    lookup: (host, options, callback) => {
      if (bound) callback(null, host, options.family as number)
      else lookup(host, options, callback)
    },
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => {
      const where = formatAddress(address)
      reject(new WiretapeError('bind', systemCodeOf(cause) === 'EADDRINUSE' ? `${where} is taken: another program listens there; choose another port, or 0 for any free one`
        : `cannot listen on ${where}: ${reasonOf(cause)}`, { cause }))
    })
    socket.bind({ address: address.host, port: address.port, exclusive: true }, resolve)
  })
  bound = true
  socket.removeAllListeners('error')
  try {
    socket.setRecvBufferSize(buffer)
  } catch {
    // The system's own size has to do.
  }
  return socket
}
