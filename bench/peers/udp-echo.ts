import type { Session } from '../bench.js'
import { pathOf } from '../programs.js'
import type { Origin } from './nginx.js'

/*
 * Python, because its sockets block: an echo is two system calls and about a microsecond around them, where Node's go
 * through a request object and an event loop each. The table's row "direct" is the limit that server and client set together.
 */
const script = `
import json, socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
server.bind(('127.0.0.1', 0))
print(json.dumps({'port': server.getsockname()[1]}), flush=True)
buffer = bytearray(65536)
view = memoryview(buffer)
receive, send = server.recvfrom_into, server.sendto
while True:
    try:
        length, client = receive(buffer)
        send(view[:length], client)
    except ConnectionError:
        pass
`

/** Sends every datagram back to where it came from. */
export async function startUdpEcho({ processes }: Session): Promise<Origin> {
  const running = processes.start(pathOf('python3'), ['-c', script])
  const { port } = JSON.parse(await running.firstLine()) as { port: number }
  return { port, stop: () => running.stop() }
}
