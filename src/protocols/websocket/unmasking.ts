/** Bytes of a frame's beginning that tell how long the rest of it is. */
const shortest = 2

/**
 * What a client says over a WebSocket without its masks (RFC 6455 §5.3), which it draws at random for each frame: the keys become zeros, and the payloads what they
 * were masked from. Nothing moves, so every byte keeps its offset. Frames that aren't masked stay as they are.
 */
export class Unmasking {
  /** What has come of a head that isn't complete, key included. */
  #head: number[] = []
  /** Null where there is no mask, and before the first frame. */
  #key: readonly number[] | null = null
  /** Of the payload in progress. */
  #left = 0
  #at = 0

  /** Of the same place in the same stream. */
  copy(): Unmasking {
    const copy = new Unmasking()
    copy.#head = [...this.#head]
    copy.#key = this.#key
    copy.#left = this.#left
    copy.#at = this.#at
    return copy
  }

  /** @param bytes the next of the stream: they stay as they are. */
  take(bytes: Buffer): Buffer {
    const plain = Buffer.from(bytes)
    let position = 0
    while (position < plain.length) position = this.#left > 0 ? this.#payload(plain, position) : this.#headByte(plain, position)
    return plain
  }

  #payload(plain: Buffer, from: number): number {
    const to = Math.min(plain.length, from + this.#left)
    if (this.#key !== null) for (let position = from; position < to; position++) plain[position]! ^= this.#key[this.#at++ & 3]!
    this.#left -= to - from
    return to
  }

  #headByte(plain: Buffer, position: number): number {
    const head = this.#head
    head.push(plain[position]!)
    const second = head[1] ?? 0
    const short = second & 0x7f
    const sized = shortest + (short === 126 ? 2 : short === 127 ? 8 : 0)
    const masked = second >= 0x80
    if (masked && head.length > sized) plain[position] = 0
    if (head.length < shortest || head.length < sized + (masked ? 4 : 0)) return position + 1
    this.#key = masked ? head.slice(sized) : null
    this.#left = sized === shortest ? short : head.slice(shortest, sized).reduce((length, byte) => length * 256 + byte, 0)
    this.#at = 0
    this.#head = []
    return position + 1
  }
}
