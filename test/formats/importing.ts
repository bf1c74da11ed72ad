import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { importCapture } from 'wiretape'
import type { ImportOptions, ImportSummary, Recording } from 'wiretape'
import { opening } from '../real/relaying.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { pcap } from './capture-files.js'
import type { PcapForm } from './capture-files.js'
import { ethernet, ipv4, tcp } from './packets.js'
import type { IpFields, TcpFields } from './packets.js'

export interface Imported {
  readonly summary: ImportSummary
  readonly recording: Recording
}

/** Imports files of these bytes, in this order. */
export async function importing(t: ExecutionContext, files: Buffer | readonly Buffer[], options: ImportOptions = {}): Promise<Imported> {
  const folder = temporaryFolder(t)
  const paths = (Buffer.isBuffer(files) ? [files] : files).map((bytes, n) => {
    const path = join(folder, `capture-${n}`)
    writeFileSync(path, bytes)
    return path
  })
  const summary = await importCapture(paths, { path: join(folder, 'imported.sqlite'), ...options })
  return { summary, recording: opening(t, summary.path) }
}

export const began = 1_700_000_000_000_000

/** Frames of link type Ethernet as a capture: one every ms. */
export function capture(frames: readonly Buffer[], form: PcapForm = {}): Buffer {
  return pcap(frames.map((bytes, n) => ({ bytes, time: began + n * 1000 })), form)
}

/** The frames of one TCP connection from 10.0.0.1 to 10.0.0.2, with its numbers kept. */
export class Frames {
  readonly list: Buffer[] = []
  readonly #ports: readonly [client: number, server: number]
  readonly #wrap: (ip: Buffer) => Buffer
  readonly #next = { up: 5000, down: 70_000 }

  constructor(client: number, server: number, wrap: (ip: Buffer) => Buffer = ethernet) {
    this.#ports = [client, server]
    this.#wrap = wrap
  }

  opens(): this {
    return this.#add('up', 'S', '', false).#add('down', 'S', '').#add('up', '', '')
  }

  up(payload: string | Buffer, flags = ''): this {
    return this.#add('up', flags, payload)
  }

  down(payload: string | Buffer, flags = ''): this {
    return this.#add('down', flags, payload)
  }

  closes(): this {
    return this.#add('up', 'F', '').#add('down', 'F', '').#add('up', '', '')
  }

  /** The numbers go on, and no frame is there. */
  loses(direction: 'up' | 'down', length: number): this {
    this.#next[direction] += length
    return this
  }

  #add(direction: 'up' | 'down', flags: string, payload: string | Buffer, acknowledges = true): this {
    const [client, server] = this.#ports
    const other = direction === 'up' ? 'down' : 'up'
    const fields: TcpFields = {
      from: direction === 'up' ? client : server, to: direction === 'up' ? server : client, flags, payload,
      sequence: this.#next[direction], ...(acknowledges ? { acknowledged: this.#next[other] } : {}),
    }
    const addresses: IpFields = direction === 'up' ? {} : { source: '10.0.0.2', destination: '10.0.0.1' }
    this.list.push(this.#wrap(ipv4(tcp(fields), addresses)))
    this.#next[direction] += payload.length + (/[SF]/.test(flags) ? 1 : 0)
    return this
  }
}
