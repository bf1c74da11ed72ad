import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import { connectTo, serve } from '../real/peer.js'
import { taping } from '../real/relaying.js'

/** A control connection of a server that is played by a test, with a passive port beside it. */
export interface ScriptedFtp {
  reply(text: string): void
  readonly socket: Socket
  /** The client's data connection. */
  readonly data: Promise<Socket>
}

/** An FTP server that takes any login; `answer` says what it does otherwise with a command, or nothing. */
export async function scriptedFtp(t: ExecutionContext, answer: (line: string, control: ScriptedFtp) => boolean = () => false): Promise<number> {
  const { port } = await serve(t, (socket) => {
    let accepted: (data: Socket) => void = () => {}
    const data = new Promise<Socket>((resolve) => { accepted = resolve })
    const reply = (text: string): void => { socket.write(`${text}\r\n`) }
    const listener = createServer((made) => accepted(made.on('error', () => {}))).listen(0, '127.0.0.1')
    t.teardown(() => listener.close())
    reply('220 ready')
    socket.on('end', () => socket.end())
    socket.on('data', (bytes) => {
      for (const line of bytes.toString('latin1').split('\r\n').slice(0, -1)) {
        if (answer(line, { reply, socket, data })) continue
        const { port: passive } = listener.address() as AddressInfo
        if (line.startsWith('USER')) reply('331 password')
        else if (line.startsWith('PASS')) reply('230 in')
        else if (line === 'EPSV') reply(`229 here (|||${passive}|)`)
        else if (line.startsWith('RETR')) {
          reply('150 comes')
          void data.then((made) => made.end('the file', () => reply('226 done')))
        } else if (line === 'QUIT') {
          reply('221 bye')
          socket.end()
        } else reply(`200 ${line}`)
      }
    })
  })
  return port
}

/** A recording of an anonymous session: a NOOP, a download and QUIT. */
export async function ftpVisit(t: ExecutionContext, target: number, commands: readonly string[] = ['NOOP', 'EPSV', 'RETR a', 'QUIT']): Promise<string> {
  const taped = await taping(t, { ftp: `0=127.0.0.1:${target}` })
  const client = await connectTo(t, taped.port)
  const ask = async (line: string): Promise<string> => {
    client.write(`${line}\r\n`)
    return client.through('\r\n')
  }
  await client.through('\r\n')
  await ask('USER anonymous')
  await ask('PASS guest@')
  let passive = 0
  for (const line of commands) {
    if (line.startsWith('RETR')) {
      const data = await connectTo(t, passive)
      await ask(line)
      await data.rest()
      data.finish()
      await client.through('\r\n')
    } else {
      const reply = await ask(line)
      if (line === 'EPSV') passive = Number(/\|\|\|(\d+)\|/.exec(reply)![1])
    }
  }
  await client.gone()
  await taped.relay.stop()
  return taped.path
}
