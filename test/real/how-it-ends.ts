import type { ExecutionContext } from 'ava'
import { run } from './program.js'

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
