import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'

/*
 * The least that a UDP relay on node:dgram can do, in a process of its own: a connected socket for each client, and each datagram sent on.
 * No errors, no end of a session, no records. Argument: the origin's port. Prints its own as JSON, ends on SIGTERM.
 */

const loopback = '127.0.0.1'
const origin = Number(process.argv[2])
const sessions = new Map<string, Socket>()
const listener = createSocket({ type: 'udp4', lookup: (host, _options, callback) => callback(null, host, 4) })

function open(client: RemoteInfo, first: Buffer): void {
  const socket = createSocket('udp4')
  socket.on('message', (bytes) => listener.send(bytes, client.port, client.address))
  socket.connect(origin, loopback, () => {
    sessions.set(`${client.address}:${client.port}`, socket)
    socket.send(first)
  })
}

listener.on('message', (bytes, client) => {
  const session = sessions.get(`${client.address}:${client.port}`)
  if (session === undefined) open(client, bytes)
  else session.send(bytes)
})
listener.bind(0, loopback, () => {
  listener.setRecvBufferSize(4 << 20)
  process.stdout.write(`${JSON.stringify({ port: listener.address().port })}\n`)
})
