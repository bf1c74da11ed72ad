import type { IncomingMessage } from 'node:http'

/** Nothing that is asked of us is larger, in bytes. */
export const bodyLimit = 1024 * 1024

export class BodyTooLarge extends Error {
  override readonly message = `http: request body too large: at most ${bodyLimit} bytes are read`
}

/**
 * What says that it is too large is refused at once: what comes of it all the same is read on behind the answer, as the server does with any body.
 * What turns out too large is read to its end, and thrown away: many clients hear no answer before they have sent all. The server's time for a request
 * bounds it.
 * @param goOn tells a client that asked first that its body will be read.
 * @throws BodyTooLarge; where the client leaves, what the stream says of it.
 */
export async function readBody(request: IncomingMessage, goOn?: () => void): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  if (Number(request.headers['content-length'] ?? 0) > bodyLimit) throw new BodyTooLarge()
  goOn?.()
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > bodyLimit) pieces.length = 0
    else pieces.push(piece)
  }
  if (size > bodyLimit) throw new BodyTooLarge()
  return Buffer.concat(pieces)
}
