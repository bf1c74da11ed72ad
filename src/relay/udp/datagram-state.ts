import { MessageState } from '../../plugins/message-state.js'
import type { ConnectionInfo, DatagramMessage } from '../../plugins/messages.js'
import type { Direction } from '../../protocols/decoder.js'

/** What IPv6 carries at most; IPv4 carries 20 bytes less. */
const largest = 65_527

/** A datagram while hooks may change it, also byte by byte in place. */
export class DatagramState extends MessageState implements DatagramMessage {
  readonly direction: Direction
  #bytes: Buffer
  /** As it was when it was last looked at. */
  #seen: Buffer

  constructor(connection: ConnectionInfo, direction: Direction, bytes: Buffer) {
    super(connection)
    this.direction = direction
    this.#bytes = bytes
    this.#seen = Buffer.from(bytes)
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  set bytes(value: Buffer) {
    const bytes = datagramOf(value)
    this.touch()
    this.#bytes = bytes
  }

  override get revision(): number {
    if (!this.#bytes.equals(this.#seen)) {
      this.touch()
      this.#seen = Buffer.from(this.#bytes)
    }
    return super.revision
  }

  keep(): () => void {
    const kept = this.#seen
    return () => {
      this.#bytes = Buffer.from(kept)
      this.#seen = kept
    }
  }
}

/** @throws TypeError for what can't be a datagram. */
export function datagramOf(value: unknown): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value)
    : value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : null
  if (bytes === null) throw new TypeError(`a datagram is bytes or a text, not ${value === null ? 'null' : typeof value}`)
  if (bytes.length > largest) throw new TypeError(`a datagram of ${bytes.length} bytes: ${largest} is the most that one holds`)
  return bytes
}
