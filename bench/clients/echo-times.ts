import type { Session } from '../bench.js'
import { pathOf } from '../programs.js'

/*
 * Python, because its sockets block: what is measured is the line, not a client's event loop.
 * Small chunks go one at a time on each of some connections, so that none waits for another.
 */
const chunkScript = `
import json, socket, sys, threading, time
port, connections, count = (int(text) for text in sys.argv[1:4])
times = []
def go():
    with socket.create_connection(('127.0.0.1', port)) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            start = time.perf_counter()
            one.sendall(b'x' * 100)
            got = 0
            while got < 100:
                chunk = one.recv(100 - got)
                if not chunk: sys.exit('the connection ended')
                got += len(chunk)
            times.append((time.perf_counter() - start) * 1000)
threads = [threading.Thread(target=go) for _ in range(connections)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(times))
`

const bulkScript = `
import json, socket, sys, threading, time
port, size = int(sys.argv[1]), int(sys.argv[2])
one = socket.create_connection(('127.0.0.1', port))
start = time.perf_counter()
threading.Thread(target=lambda: one.sendall(bytes(size)), daemon=True).start()
got = 0
while got < size:
    chunk = one.recv(65536)
    if not chunk: sys.exit('the connection ended')
    got += len(chunk)
print(json.dumps(size / (time.perf_counter() - start)))
`

const lossScript = `
import json, socket, sys, time
port, count = int(sys.argv[1]), int(sys.argv[2])
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
one.connect(('127.0.0.1', port))
one.setblocking(False)
got = 0
def drain():
    global got
    try:
        while True:
            one.recv(2048)
            got += 1
    except BlockingIOError:
        pass
for number in range(count):
    one.send(b'wiretape %d' % number)
    # No more than the buffers hold, so that nothing else loses any.
    if number % 50 == 49:
        time.sleep(0.005)
        drain()
end = time.perf_counter() + 1
while time.perf_counter() < end:
    time.sleep(0.02)
    drain()
print(json.dumps(got))
`

/** @returns ms of each chunk's way there and back. */
export async function chunkTimes(session: Session, port: number, connections: number, chunks: number): Promise<readonly number[]> {
  return JSON.parse(await python(session, chunkScript, [port, connections, chunks / connections])) as number[]
}

/** @returns bytes a second, there and back. */
export async function bulkRate(session: Session, port: number, bytes: number): Promise<number> {
  return JSON.parse(await python(session, bulkScript, [port, bytes])) as number
}

/** @returns how many of the datagrams came back. */
export async function datagramsBack(session: Session, port: number, count: number): Promise<number> {
  return JSON.parse(await python(session, lossScript, [port, count])) as number
}

async function python({ processes }: Session, script: string, args: readonly number[]): Promise<string> {
  return processes.run(pathOf('python3'), ['-c', script, ...args.map(String)], 120)
}
