/** A pipelined HTTP conversation as bytes, and the bodies that a recording of it has to give back. */
export interface Conversation {
  readonly up: Buffer
  readonly down: Buffer
  readonly bodies: readonly { readonly path: string, readonly request: Buffer, readonly response: Buffer }[]
}

/** @param name the first part of every path, by which a server knows the conversation. */
export function conversation(name: string, random: () => number, largest: number): Conversation {
  const up: Buffer[] = []
  const down: Buffer[] = []
  const bodies: { path: string, request: Buffer, response: Buffer }[] = []
  const count = 1 + Math.floor(random() * 6)
  for (let n = 0; n < count; n++) {
    const path = `/${name}/${n}`
    const request = random() < 0.5 ? Buffer.alloc(0) : randomBody(random, largest)
    const response = random() < 0.2 ? Buffer.alloc(0) : randomBody(random, largest)
    up.push(Buffer.from(`${request.length > 0 ? 'POST' : 'GET'} ${path} HTTP/1.1\r\nHost: h\r\n`), ...framed(request, random, true))
    down.push(Buffer.from('HTTP/1.1 200 OK\r\nx-Padding:  z\r\n'), ...framed(response, random, false))
    bodies.push({ path, request, response })
  }
  return { up: Buffer.concat(up), down: Buffer.concat(down), bodies }
}

function randomBody(random: () => number, largest: number): Buffer {
  const length = 1 + Math.floor(random() ** 3 * largest)
  return Buffer.from(Uint8Array.from({ length }, () => Math.floor(random() * 256)))
}

/** The rest of the head, and the body with a length or in chunks of random sizes. */
function framed(body: Buffer, random: () => number, request: boolean): Buffer[] {
  if (body.length === 0 && request) return [Buffer.from('\r\n')]
  if (random() < 0.5) return [Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]
  const pieces: Buffer[] = [Buffer.from('Transfer-Encoding: chunked\r\n\r\n')]
  for (let at = 0; at < body.length;) {
    const length = Math.min(body.length - at, 1 + Math.floor(random() ** 2 * 70_000))
    pieces.push(Buffer.from(`${length.toString(16)}${random() < 0.2 ? ';ext=1' : ''}\r\n`), body.subarray(at, at + length), Buffer.from('\r\n'))
    at += length
  }
  pieces.push(Buffer.from(`0\r\n${random() < 0.3 ? 'X-Trailer: t\r\n' : ''}\r\n`))
  return pieces
}
