import test from 'ava'
import type { ExecutionContext } from 'ava'
import { installed } from '../real/installed.js'
import { Lines, run, start } from '../real/program.js'
import { taping } from '../real/relaying.js'
import type { Taped } from '../real/relaying.js'

const upperServer = (port: number): string => `
from socket import *
serverPort = ${port}
serverSocket = socket(AF_INET, SOCK_DGRAM)
serverSocket.bind(('', serverPort))
print("The server is ready to receive on", serverSocket.getsockname()[1], flush=True)
while True:
    message, clientAddress = serverSocket.recvfrom(2048)
    modifiedMessage = message.decode().upper()
    serverSocket.sendto(modifiedMessage.encode(), clientAddress)
`

const upperClient = (port: number): string => `
from socket import *
serverName = '127.0.0.1'
serverPort = ${port}
clientSocket = socket(AF_INET, SOCK_DGRAM)
message = input('Input lowercase sentence:')
clientSocket.sendto(message.encode(), (serverName, serverPort))
modifiedMessage, serverAddress = clientSocket.recvfrom(2048)
print(modifiedMessage.decode())
clientSocket.close()
`

// The exchange of the library reference's socketserver page.
const handlerServer = `
import socketserver
class MyUDPHandler(socketserver.BaseRequestHandler):
    def handle(self):
        data = self.request[0].strip()
        socket = self.request[1]
        print(f"{self.client_address[0]} wrote:")
        print(data, flush=True)
        socket.sendto(data.upper(), self.client_address)
if __name__ == "__main__":
    HOST, PORT = "localhost", 0
    with socketserver.UDPServer((HOST, PORT), MyUDPHandler) as server:
        print("receive on", server.server_address[1], flush=True)
        server.serve_forever()
`

const handlerClient = (port: number): string => `
import socket
import sys
HOST, PORT = "localhost", ${port}
data = " ".join(sys.argv[1:])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.sendto(bytes(data + "\\n", "utf-8"), (HOST, PORT))
received = str(sock.recv(1024), "utf-8")
print("Sent:    ", data)
print("Received:", received)
`

/** Each datagram as its direction and text, with the session it belongs to. */
async function recordedIn(tape: Taped): Promise<readonly (readonly [session: number, direction: string, text: string])[]> {
  const recording = await tape.recorded()
  return [...recording.datagrams()].map(({ connectionId, direction, bytes }) => [connectionId, direction, bytes.toString()])
}

async function serving(t: ExecutionContext, source: string): Promise<{ port: number, lines: Lines }> {
  const lines = new Lines(start(t, 'python3', ['-c', source]).stdout)
  const [, port] = await lines.next(/receive on (\d+)/)
  return { port: Number(port), lines }
}

const withPython = installed('python3') ? test : test.skip

withPython('python3: a textbook upper-casing server and client, unchanged but for the port', async (t) => {
  const { port } = await serving(t, upperServer(0))
  const tape = await taping(t, { udp: `0=127.0.0.1:${port}` })
  for (const sentence of ['hello over there', 'déjà vu']) {
    const { code, stdout, stderr } = await run(t, 'python3', ['-c', upperClient(tape.port)], `${sentence}\n`)
    t.is(code, 0, stderr)
    t.is(stdout.toString(), `Input lowercase sentence:${sentence.toUpperCase()}\n`)
  }
  const datagrams = await recordedIn(tape)
  const [first, , third] = datagrams.map(([session]) => session)
  t.not(first, third)
  t.deepEqual(datagrams, [
    [first!, 'up', 'hello over there'], [first!, 'down', 'HELLO OVER THERE'], [third!, 'up', 'déjà vu'], [third!, 'down', 'DÉJÀ VU'],
  ])
})

withPython('python3: the exchange of the socketserver reference, by the name localhost', async (t) => {
  const { port, lines } = await serving(t, handlerServer)
  const tape = await taping(t, { udp: `0=127.0.0.1:${port}` })
  const { stdout } = await run(t, 'python3', ['-c', handlerClient(tape.port), 'hello', 'world'])
  t.is(stdout.toString(), 'Sent:     hello world\nReceived: HELLO WORLD\n')
  await lines.next(/^127\.0\.0\.1 wrote:$/)
  await lines.next(/^b'hello world'$/)
  t.deepEqual((await recordedIn(tape)).map(([, direction, text]) => [direction, text]), [['up', 'hello world\n'], ['down', 'HELLO WORLD']])
})
