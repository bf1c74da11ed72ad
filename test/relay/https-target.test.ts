import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { selfSigned } from '../real/certificate.js'
import { installed } from '../real/installed.js'
import { connectTo, peerServer } from '../real/peer.js'
import { bytesOf, onlyConnection, onlyExchange, taping } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'

const withOpenssl = installed('openssl') ? test : test.skip
const body = Buffer.alloc(1_000_000, 'secret ')

async function httpsServer(t: ExecutionContext): Promise<{ port: number, served(): number }> {
  let served = 0
  const server = createServer(selfSigned(temporaryFolder(t)), (request, response) => {
    served++
    request.resume().once('end', () => response.setHeader('X-Host', request.headers.host ?? '').end(body))
  })
  server.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, served: () => served }
}

withOpenssl('openssl: a self-signed certificate is refused, and the recording says why and what to do', async (t) => {
  const server = await httpsServer(t)
  const tape = await taping(t, { http: `0=https://localhost:${server.port}` })
  const client = await connectTo(t, tape.port)
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await client.gone()
  t.is(server.served(), 0)
  const connection = onlyConnection(await tape.recorded())
  t.is(connection.endReason, 'connect failed')
  t.regex(connection.error ?? '', /self.signed certificate/)
  t.regex(connection.error ?? '', /--insecure/)
  t.is(connection.tls, null)
})

for (const host of ['localhost', '127.0.0.1']) {
  withOpenssl(`openssl: with insecure, https://${host} is reached, and recorded in the clear with its TLS facts`, async (t) => {
    const server = await httpsServer(t)
    const tape = await taping(t, { http: `0=https://${host}:${server.port}`, insecure: true })
    const client = await connectTo(t, tape.port)
    client.write('GET /secret HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
    const answer = await client.rest()
    await client.gone()
    t.true(answer.subarray(answer.indexOf('\r\n\r\n') + 4).equals(body))
    const recording = await tape.recorded()
    const { tls, server: reached } = onlyConnection(recording)
    t.regex(tls?.version ?? '', /^TLSv1\.[23]$/)
    t.truthy(tls?.cipher)
    t.is(tls?.serverName, host === 'localhost' ? 'localhost' : null)
    t.is(reached?.port, server.port)
    const exchange = onlyExchange(recording)
    t.is(exchange.status, 200)
    t.is(exchange.scheme, 'http', 'as the client asked for it')
    t.true((await bytesOf(recording.body(exchange.id, 'response'))).equals(body))
  })
}

withOpenssl('openssl: a body of a size that outruns the buffers goes up through TLS', async (t) => {
  const server = await httpsServer(t)
  const tape = await taping(t, { http: `0=https://localhost:${server.port}`, insecure: true, rewriteHost: true })
  const client = await connectTo(t, tape.port)
  const upload = Buffer.alloc(20_000_000, 'up and away ')
  client.write(`POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${upload.length}\r\n\r\n`, upload)
  const answer = (await client.rest()).toString('latin1')
  t.regex(answer, new RegExp(`X-Host: localhost:${server.port}\r\n`))
  await client.gone()
  const recording = await tape.recorded()
  const exchange = onlyExchange(recording)
  t.is(exchange.requestBodySize, upload.length)
  t.true((await bytesOf(recording.body(exchange.id, 'request'))).equals(upload))
})

test('a target that speaks no TLS closes the client, with an error that is recorded', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=https://127.0.0.1:${server.port}` })
  const client = await connectTo(t, tape.port)
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  const served = await server.next()
  served.write('HTTP/1.1 400 Bad Request\r\n\r\n')
  await client.gone()
  const connection = onlyConnection(await tape.recorded())
  t.is(connection.endReason, 'connect failed')
  t.regex(connection.error ?? '', /^connecting to https:\/\/127\.0\.0\.1:\d+ failed/)
})

test('a target that closes during the TLS handshake closes the client, with an error that is recorded', async (t) => {
  const server = await peerServer(t)
  const tape = await taping(t, { http: `0=https://127.0.0.1:${server.port}` })
  const client = await connectTo(t, tape.port)
  const served = await server.next()
  await served.take(1)
  served.finish()
  await client.gone()
  t.is(onlyConnection(await tape.recorded()).endReason, 'connect failed')
})
