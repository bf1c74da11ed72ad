import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import packet from 'dns-packet'
import type { Origin } from './origins.js'

/** Says back each datagram that it hears. */
export async function startDatagramEcho(): Promise<Origin> {
  const socket = await bound()
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address))
  return { port: socket.address().port, close: () => socket.close() }
}

/** A name server that knows `shop.example`, knows that other names aren't there, and is silent on `slow.example`. */
export async function startNameServer(): Promise<Origin> {
  const socket = await bound()
  socket.on('message', (bytes, from) => {
    const { id, questions } = packet.decode(bytes)
    const name = questions?.[0]?.name ?? ''
    if (name === 'slow.example') return
    const known = name === 'shop.example'
    const nameError = 3
    socket.send(packet.encode({
      ...(id === undefined ? {} : { id }), type: 'response', flags: packet.AUTHORITATIVE_ANSWER | (known ? 0 : nameError), questions: questions ?? [],
      answers: known ? [{ name, type: 'A', class: 'IN', ttl: 300, data: '192.0.2.80' }] : [],
    }), from.port, from.address)
  })
  return { port: socket.address().port, close: () => socket.close() }
}

/** Sends a word, and waits for it to come back. */
export async function callEcho(host: string, port: number): Promise<void> {
  await exchange(host, port, ['anybody there?'], 1)
}

/** Asks for three names at once; two get an answer. */
export async function lookUpNames(host: string, port: number): Promise<void> {
  const query = (name: string, id: number): Buffer => packet.encode({ id, type: 'query', flags: packet.RECURSION_DESIRED, questions: [{ name, type: 'A' }] })
  await exchange(host, port, [query('slow.example', 1), query('shop.example', 2), query('nowhere.example', 3)], 2)
}

async function exchange(host: string, port: number, datagrams: readonly (string | Buffer)[], answers: number): Promise<void> {
  const socket = await bound()
  let heard = 0
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject).on('message', () => {
      heard++
      if (heard === answers) resolve()
    })
    for (const bytes of datagrams) socket.send(bytes, port, host)
  })
  socket.close()
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve, reject) => socket.once('error', reject).bind(0, '127.0.0.1', resolve))
  return socket
}
