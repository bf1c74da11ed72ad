import type { ExecutionContext } from 'ava'
import { Lines, run, start } from './program.js'

const script = `
import socket, sys
try:
    connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
    connection.sendall(sys.argv[2].encode())
    while connection.recv(65536): pass
    print('end')
except (ConnectionResetError, BrokenPipeError):
    print('reset')
`

/**
 * How a connection ends for a program that asks the system: Node itself can take a reset that comes with data for an end. Needs python3.
 * @returns `end` or `reset`.
 */
export async function howItEndsForPython(t: ExecutionContext, port: number, says = ''): Promise<string> {
  return (await run(t, 'python3', ['-c', script, String(port), says])).stdout.toString().trim()
}

const resetting = `
import socket, struct
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    connection.sendall(b'x' * 100000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()
`

/** A server that says something and tears the connection down in the same breath. @returns its port. */
export async function resettingServer(t: ExecutionContext): Promise<number> {
  const child = start(t, 'python3', ['-c', resetting])
  return Number((await new Lines(child.stdout).next(/^\d+$/))[0])
}
