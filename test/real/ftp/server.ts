import { connect } from 'node:net'
import type { ExecutionContext } from 'ava'
import { until } from '../deadline.js'

/** A real FTP server that serves a temporary folder, for reading and writing. */
export interface FtpServer {
  readonly host: string
  readonly port: number
  /** Where what it serves is on disk. */
  readonly folder: string
  readonly user: string
  readonly password: string
  /** How it names a file of that folder. */
  path(name: string): string
}

export interface FtpServerKind {
  /** The program's name, for test titles. */
  readonly name: string
  readonly available: boolean
  /** An upload after REST leaves what is before it as it was; one server fills it with zeros. */
  readonly keepsBeforeRestart: boolean
  start(t: ExecutionContext, host?: string): Promise<FtpServer>
}

/** Resolves once something accepts connections there. */
export async function accepting(host: string, port: number): Promise<void> {
  await until(() => new Promise<boolean>((resolve) => {
    const socket = connect(port, host)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false)).once('connect', () => socket.destroy())
  }), `a server on port ${port}`)
}
