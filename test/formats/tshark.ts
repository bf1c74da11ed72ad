import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { run } from '../real/program.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { exported } from './exported.js'

/** What tshark finds wrong with any packet: nothing of it may be in a capture of ours. */
const wrong = [
  '_ws.malformed', 'tcp.analysis.flags', 'tcp.checksum.status == "Bad"', 'udp.checksum.status == "Bad"', 'ip.checksum.status == "Bad"', '_ws.expert.severity == error',
].join(' || ')

const checking = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE']

/** An exported recording, read by tshark. */
export class Tshark {
  readonly #t: ExecutionContext
  readonly #folder: string
  readonly #file: string
  readonly #decoding: readonly string[]

  private constructor(t: ExecutionContext, folder: string, decoding: readonly string[]) {
    this.#t = t
    this.#folder = folder
    this.#file = join(folder, 'exported.pcapng')
    this.#decoding = decoding.flatMap((rule) => ['-d', rule])
  }

  /** @param decoding rules such as `tcp.port==8080,http`. */
  static async of(t: ExecutionContext, path: string, decoding: readonly string[] = [], where?: string): Promise<Tshark> {
    const folder = temporaryFolder(t)
    const reading = new Tshark(t, folder, decoding)
    writeFileSync(reading.#file, await exported(path, { format: 'pcapng', ...(where === undefined ? {} : { where }) }))
    return reading
  }

  /** Lines of the fields, tab-separated, of the packets that the filter takes. */
  async fields(filter: string, ...fields: string[]): Promise<string[]> {
    return (await this.#run('-Y', filter, '-T', 'fields', ...fields.flatMap((field) => ['-e', field]))).split('\n').slice(0, -1)
  }

  /** The packets in which something is wrong, as lines. */
  async faults(): Promise<string[]> {
    return (await this.#run('-Y', wrong, '-T', 'fields', '-e', 'frame.number', '-e', '_ws.col.Info', '-e', '_ws.expert.message')).split('\n').slice(0, -1)
  }

  /** What was carried, reassembled. @param protocol `http` or `ftp-data`. */
  async objects(protocol: string): Promise<Buffer[]> {
    const folder = join(this.#folder, protocol)
    mkdirSync(folder)
    await this.#run('-q', '--export-objects', `${protocol},${folder}`)
    return readdirSync(folder).toSorted().map((name) => readFileSync(join(folder, name)))
  }

  /** All that packets carried, one after the other. */
  async payload(filter: string): Promise<Buffer> {
    return Buffer.from((await this.fields(`(${filter}) && tcp.len > 0`, 'tcp.payload')).join(''), 'hex')
  }

  async #run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(this.#t, 'tshark', ['-r', this.#file, ...checking, ...this.#decoding, ...args])
    if (code !== 0) throw new Error(`tshark ended with ${code}: ${stderr}`)
    return stdout.toString()
  }
}
