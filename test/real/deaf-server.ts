import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import type { ExecutionContext } from 'ava'
import { within } from './deadline.js'

/** Listens and then never turns to its event loop again, so that nothing is ever accepted. */
const neverAccepts = `
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, server.address().port + '\\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`

/**
 * A port on which a connect neither succeeds nor fails: the queue of connections waiting to be accepted is full, and the
 * system leaves further ones unanswered.
 */
export async function deafServer(t: ExecutionContext): Promise<number> {
  const child = spawn(process.execPath, ['-e', neverAccepts], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const port = Number(await within(new Promise<Buffer>((resolve) => child.stdout.once('data', resolve)), 'the deaf server'))
  while (await connects(t, port)) {}
  return port
}

async function connects(t: ExecutionContext, port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  return new Promise((resolve) => {
    // What came while this process did something else is looked at first.
    const timer = setTimeout(() => setImmediate(() => setImmediate(() => resolve(false))), 500)
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
