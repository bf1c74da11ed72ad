/** What a plugin's generator gave on, as bytes. @throws TypeError where it is neither bytes nor text. */
export function yieldedBytes(value: Uint8Array | string): Buffer {
  if (typeof value === 'string') return Buffer.from(value)
  if (!(value instanceof Uint8Array)) throw new TypeError(`it gave on ${String(value)}: a stage yields bytes or text`)
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

/** @throws TypeError where a plugin's function made no generator. */
export function generatorOf(made: AsyncIterable<Uint8Array | string> | undefined): AsyncIterator<Uint8Array | string> {
  if (typeof made?.[Symbol.asyncIterator] !== 'function') throw new TypeError('it is no async generator function: async function* (chunks) { for await (const chunk of chunks) yield chunk }')
  return made[Symbol.asyncIterator]()
}
