import type { Session } from '../bench.js'
import { pathOf } from '../programs.js'

/** Bytes of each datagram. */
export const datagramSize = 512

/** Client sockets, so sessions, that share the load. */
export const loadSessions = 8

export interface UdpStep {
  /** Datagrams under way at once, over all sessions. */
  readonly window: number
  /** Datagrams echoed a second. */
  readonly rate: number
  readonly lost: number
}

export interface UdpLoad {
  readonly steps: readonly UdpStep[]
  /** Of all steps and the warm-up. */
  readonly sent: number
  readonly received: number
}

export interface UdpRoundTrips {
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
  readonly sent: number
}

/*
 * Python for the reason that the echo server is. Every datagram holds its socket's number and its own, which the echo has to
 * have in the order in which they were sent. The text before them is no DNS message.
 */
const common = `
import json, resource, socket, struct, sys, time
size = ${datagramSize}
out = bytearray(b'wiretape' + bytes(size - 8))
back = bytearray(65536)
number = struct.Struct('>II')
def connect(port, patience_ms):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', patience_ms // 1000, patience_ms % 1000 * 1000))
    one.connect(('127.0.0.1', port))
    return one
def open_session(one, index):
    # One exchange before the next session begins: a relay may need a moment to make it, and that isn't what is measured.
    for attempt in range(20):
        number.pack_into(out, 8, index, attempt)
        try:
            one.send(out)
            if one.recv_into(back) == size and number.unpack_from(back, 8) == (index, attempt):
                return attempt + 1
        except (BlockingIOError, ConnectionError):
            time.sleep(0.05)
    sys.exit('no answer to the first datagrams of a session')
`

/*
 * A closed loop: as many datagrams as the window allows are under way, and each echo is followed by the next datagram.
 * Sockets take turns and block: no call asks which is ready.
 */
const loadScript = `${common}
port, count, warm_up, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
windows = [int(text) for text in sys.argv[5].split(',')]
sockets = [connect(port, 500) for _ in range(count)]
sent = [open_session(one, index) for index, one in enumerate(sockets)]
received = list(sent)
turns = list(enumerate(sockets))
pack, unpack = number.pack_into, number.unpack_from
lost = 0
def send(index, one):
    pack(out, 8, index, sent[index])
    one.send(out)
    sent[index] += 1
def receive(index, one):
    global lost
    if one.recv_into(back) != size or back[:8] != b'wiretape':
        sys.exit('an echo is not what was sent')
    source, got = unpack(back, 8)
    if source != index or got < received[index]:
        sys.exit('an echo came to another session, twice or out of order')
    lost += got - received[index]
    received[index] = got + 1
def load(window, seconds):
    global lost
    lost = 0
    echoed = 0
    start = time.perf_counter()
    end = start + seconds
    try:
        for index, one in turns:
            for _ in range(window // count):
                send(index, one)
        while time.perf_counter() < end:
            for index, one in turns:
                receive(index, one)
                send(index, one)
            echoed += count
        rate = echoed / (time.perf_counter() - start)
        for index, one in turns:
            while received[index] < sent[index]:
                receive(index, one)
    except BlockingIOError:
        rate = 0
        # What is still under way is given its time before it counts as lost.
        for index, one in turns:
            try:
                while received[index] < sent[index]:
                    receive(index, one)
            except BlockingIOError:
                lost += sent[index] - received[index]
                received[index] = sent[index]
    return {'window': window, 'rate': rate, 'lost': lost}
gone = load(windows[0], warm_up)['lost']
steps = [load(window, seconds / len(windows)) for window in windows]
gone += sum(step['lost'] for step in steps)
print(json.dumps({'steps': steps, 'sent': sum(sent), 'received': sum(received) - gone}))
`

/** One datagram at a time on one session. */
const roundTripScript = `${common}
port, warm_up, count = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
# No session of the load has this number: each datagram of a run differs from all others.
alone = 1 << 16
one = connect(port, 2000)
sent = open_session(one, alone)
times = []
for n in range(warm_up + count):
    number.pack_into(out, 8, alone, sent)
    start = time.perf_counter_ns()
    one.send(out)
    one.recv_into(back)
    took = time.perf_counter_ns() - start
    if number.unpack_from(back, 8) != (alone, sent):
        sys.exit('an echo is not what was sent')
    sent += 1
    if n >= warm_up:
        times.append(took / 1000)
times.sort()
print(json.dumps({'p50': times[count // 2], 'p99': times[count * 99 // 100], 'sent': sent}))
`

/** Sessions that stay open after an exchange of some datagrams each, until the process is stopped. */
const holdScript = `${common}
port, count, exchanges = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
sockets = [connect(port, 2000) for _ in range(count)]
sent = 0
for _ in range(exchanges):
    for index, one in enumerate(sockets):
        sent += open_session(one, index)
print(json.dumps({'sent': sent}), flush=True)
time.sleep(600)
`

/** @param windows how many datagrams are under way at once, one step each; `seconds` are shared among them. */
export async function udpLoad({ processes }: Session, port: number, warmUp: number, seconds: number, windows: readonly number[]): Promise<UdpLoad> {
  const asked = [port, loadSessions, warmUp, seconds, windows.join(',')].map(String)
  return JSON.parse(await processes.run(pathOf('python3'), ['-c', loadScript, ...asked], warmUp + seconds + 60)) as UdpLoad
}

export async function udpRoundTrips({ processes }: Session, port: number, warmUp: number, count: number): Promise<UdpRoundTrips> {
  return JSON.parse(await processes.run(pathOf('python3'), ['-c', roundTripScript, ...[port, warmUp, count].map(String)], 120)) as UdpRoundTrips
}

/** Opens sessions, and comes back when every one has had its answers. */
export async function holdUdpSessions({ processes }: Session, port: number, count: number, exchanges: number): Promise<{ sent: number, stop(): Promise<unknown> }> {
  const running = processes.start(pathOf('python3'), ['-c', holdScript, ...[port, count, exchanges].map(String)])
  const { sent } = JSON.parse(await running.firstLine()) as { sent: number }
  return { sent, stop: () => running.stop() }
}
