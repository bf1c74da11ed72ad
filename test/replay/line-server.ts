import type { ExecutionContext } from 'ava'
import { serve } from '../real/peer.js'

/** Answers each line by what `answer` makes of it, and says goodbye when the client has ended. Null ends the connection instead. */
export async function lineServer(t: ExecutionContext, answer: (line: string) => string | null, greeting = 'hello\n'): Promise<number> {
  const { port } = await serve(t, (socket) => {
    let rest = ''
    socket.write(greeting)
    socket.on('data', (bytes) => {
      const lines = (rest + bytes.toString('latin1')).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        const said = answer(line)
        if (said === null) return socket.end()
        socket.write(said)
      }
    })
    socket.on('end', () => socket.end('bye\n'))
  })
  return port
}
