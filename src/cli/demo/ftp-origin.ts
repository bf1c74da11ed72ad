import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Origin } from './origins.js'

const welcome = Buffer.from('A wire, a tape, a truth.\n'.repeat(40))

/** A small FTP server with files in memory: enough of RFC 959 for a visit, passive only, and with a small quota. */
export async function startFtpOrigin(): Promise<Origin> {
  const files = new Map([['welcome.txt', welcome], ['catalogue.csv', Buffer.alloc(400_000, '1,Het wonderlijke draadje\n')]])
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serve(socket, files)
  })
  await listening(server)
  return {
    port: portOf(server),
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

type Files = Map<string, Buffer>

const quota = 50_000

function serve(control: Socket, files: Files): void {
  let data: { readonly server: Server, readonly socket: Promise<Socket> } | null = null
  const reply = (text: string): void => void control.write(`${text}\r\n`)
  const prepare = async (): Promise<number> => {
    data?.server.close()
    const server = createServer()
    data = { server, socket: new Promise((resolve) => server.once('connection', (socket) => resolve(socket.on('error', () => {})))) }
    await listening(server)
    return portOf(server)
  }
  /** The prepared connection, once it is there; its listener has served. */
  const take = async (): Promise<Socket> => {
    const { server, socket } = data!
    data = null
    const taken = await socket
    server.close()
    return taken
  }
  const send = async (bytes: Buffer | string): Promise<void> => {
    reply('150 Here it comes.')
    const socket = await take()
    await new Promise<void>((resolve) => socket.end(bytes, resolve))
    reply('226 That was all.')
  }
  const answers: Readonly<Record<string, (argument: string) => void | Promise<void>>> = {
    USER: () => reply('331 And the password?'),
    PASS: () => reply('230 Welcome.'),
    PWD: () => reply('257 "/" is the only folder'),
    FEAT: () => reply('211-What there is:\r\n EPSV\r\n SIZE\r\n UTF8\r\n211 No more.'),
    OPTS: () => reply('200 As you like.'),
    STRU: () => reply('200 As you like.'),
    TYPE: () => reply('200 All the same here.'),
    SIZE: (name) => files.has(name) ? reply(`213 ${files.get(name)!.length}`) : reply(`550 No ${name} here.`),
    EPSV: async () => reply(`229 Listening (|||${await prepare()}|)`),
    LIST: () => send([...files].map(([name, { length }]) => `-rw-r--r-- 1 shop shop ${String(length).padStart(8)} Nov 23 09:30 ${name}\r\n`).join('')),
    RETR: (name) => files.has(name) ? send(files.get(name)!) : reply(`550 No ${name} here.`),
    STOR: async (name) => {
      reply('150 Go ahead.')
      const pieces: Buffer[] = []
      for await (const piece of await take()) pieces.push(piece as Buffer)
      const bytes = Buffer.concat(pieces)
      if (bytes.length > quota) return reply('552 That is over your quota.')
      files.set(name, bytes)
      reply('226 Thank you.')
    },
    QUIT: () => {
      reply('221 Until next time.')
      control.end()
    },
  }
  control.on('error', () => {}).on('close', () => data?.server.close())
  reply('220 The shop\'s files')
  let pending = ''
  let turn = Promise.resolve()
  control.setEncoding('utf8').on('data', (text: string) => {
    const lines = (pending + text).split('\r\n')
    pending = lines.pop()!
    for (const line of lines) {
      const [verb = '', ...words] = line.split(' ')
      const answer = answers[verb.toUpperCase()] ?? (() => reply('502 Not here.'))
      turn = turn.then(() => answer(words.join(' '))).catch(() => void control.destroy())
    }
  })
}

async function listening(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
