import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { HTTPParser } from 'http-parser-js'
import { type Sample } from './corpus.js'
import { type Message, pairUp, type Reading, write } from './reading.js'

/** Node's own parser, strict as it is by default: a real server for requests, a real client for responses. */
export async function readWithNode(sample: Sample): Promise<Reading> {
  return sample.kind === 'request' ? readWithServer(sample) : readWithClient(sample)
}

async function readWithServer(sample: Sample): Promise<Reading> {
  const messages: string[] = []
  let refused = false
  // Whether a request without Host is refused is a setting of the server, not the parser's reading.
  const server = http.createServer({ requireHostHeader: false }, (request, response) => {
    collect(request, `${request.method} ${request.url}`).then(message => {
      messages.push(message)
      response.end()
    }, () => { refused = true })
  })
  server.on('clientError', (_, socket) => {
    refused = true
    socket.destroy()
  })
  server.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
    messages.push(writeHead(request, `${request.method} ${request.url}`))
    socket.end()
  })
  const port = await listen(server)
  const client = net.connect(port, '127.0.0.1')
  client.on('error', () => {})
  client.resume()
  client.end(sample.bytes, 'latin1')
  const [socket] = await once(server, 'connection') as [net.Socket]
  if (!socket.closed) await once(socket, 'close')
  await close(server)
  return { messages, refused }
}

async function readWithClient(sample: Sample): Promise<Reading> {
  const messages: string[] = []
  let refused = false
  const server = net.createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(sample.bytes, 'latin1'))
  })
  const port = await listen(server)
  const request = http.request({ port, host: '127.0.0.1', method: sample.method ?? 'GET', agent: false })
  const over = new Promise<void>(resolve => {
    request.on('information', ({ statusCode, statusMessage, rawHeaders }) => {
      messages.push(writeHead({ rawHeaders }, `${statusCode} ${statusMessage}`))
    })
    request.on('response', response => {
      collect(response, `${response.statusCode} ${response.statusMessage}`)
        .then(message => { messages.push(message) }, () => { refused = true })
        .finally(resolve)
    })
    request.on('upgrade', (response, socket) => {
      messages.push(writeHead(response, `${response.statusCode} ${response.statusMessage}`))
      socket.destroy()
      resolve()
    })
    request.on('error', () => {
      refused = true
      resolve()
    })
  })
  request.end()
  await over
  request.destroy()
  await close(server)
  return { messages, refused }
}

function writeHead({ rawHeaders }: { rawHeaders: string[] }, start: string): string {
  return write({ start, headers: pairUp(rawHeaders), body: '', trailers: [] })
}

async function collect(message: http.IncomingMessage, start: string): Promise<string> {
  const body: Buffer[] = []
  for await (const chunk of message) body.push(chunk as Buffer)
  return write({
    start, headers: pairUp(message.rawHeaders), body: Buffer.concat(body).toString('latin1'),
    trailers: pairUp(message.rawTrailers),
  })
}

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as net.AddressInfo).port
}

async function close(server: net.Server): Promise<void> {
  server.close()
  await once(server, 'close')
}

/** http-parser-js, which follows the lenient parser that Node had before llhttp. */
export async function readWithHttpParserJs(sample: Sample): Promise<Reading> {
  const messages: string[] = []
  let current: Message | undefined
  const parser = new HTTPParser(sample.kind === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE)
  parser[HTTPParser.kOnHeadersComplete] = info => {
    const start = sample.kind === 'request'
      ? `${HTTPParser.methods[info.method]} ${info.url}`
      : `${info.statusCode} ${info.statusMessage}`
    current = { start, headers: pairUp(info.headers), body: '', trailers: [] }
    return sample.method === 'HEAD' ? 1 : 0
  }
  parser[HTTPParser.kOnBody] = (chunk, offset, length) => {
    // A negative chunk size makes it read the same bytes for ever.
    if (length < 0) throw new RangeError('it goes backwards')
    current!.body += chunk.toString('latin1', offset, offset + length)
  }
  parser[HTTPParser.kOnHeaders] = trailers => { current!.trailers = pairUp(trailers) }
  parser[HTTPParser.kOnMessageComplete] = () => { messages.push(write(current!)) }
  return { messages, refused: isRefused() }

  function isRefused(): boolean {
    try {
      const outcome: unknown = parser.execute(Buffer.from(sample.bytes, 'latin1'))
      const finished: unknown = outcome instanceof Error ? outcome : parser.finish()
      return finished instanceof Error
    } catch {
      return true
    }
  }
}
