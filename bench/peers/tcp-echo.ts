import type { Session } from '../bench.js'
import { pathOf } from '../programs.js'
import type { Origin } from './nginx.js'

/* A thread for each connection, whose calls block: nothing but the system stands between reading and writing. */
const script = `
import json, socket, threading
server = socket.create_server(('127.0.0.1', 0), backlog=256)
print(json.dumps({'port': server.getsockname()[1]}), flush=True)
def echo(one):
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with one:
        try:
            while chunk := one.recv(65536):
                one.sendall(chunk)
        except ConnectionError:
            pass
while True:
    threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
`

/** Sends every byte back. */
export async function startTcpEcho({ processes }: Session): Promise<Origin> {
  const running = processes.start(pathOf('python3'), ['-c', script])
  const { port } = JSON.parse(await running.firstLine()) as { port: number }
  return { port, stop: () => running.stop() }
}
