import { definePlugin, onStreams, streamSelection } from 'wiretape'
import type { StageControl } from 'wiretape'

/** Longer waits are cut into pieces of so many ms, so that bytes trickle instead of coming in bursts. */
const stride = 100

export default definePlugin({
  name: 'bandwidth',
  description: 'Lets no more than so many bytes a second pass.',
  options: {
    rate: { type: 'number', required: true, minimum: 0, description: 'KB/s, of 1,000 bytes; 0 lets nothing pass.' },
    scope: { type: 'string', choices: ['connection', 'relay'], default: 'connection', description: 'For each connection, or for all of the relay together; each direction has a rate of its own.' },
    ...streamSelection,
  },
  setup(context) {
    const { options: { rate, scope }, shared } = context
    return onStreams(context, ({ direction, connection }) => {
      const line = scope === 'connection' ? new Line() : lineOf(shared, `line/${connection.relay}/${direction}`)
      return async function* (chunks, stage) {
        for await (const chunk of chunks) {
          stage.count('slowed', { bytes: chunk.length, ...(rate === 0 ? {} : { delayMs: chunk.length / rate }) })
          while (rate === 0 && await stage.sleep(Infinity)) { /* nothing passes */ }
          let rest = chunk
          while (rate > 0 && !stage.removed && rest.length > rate * stride) {
            const piece = rest.subarray(0, Math.ceil(rate * stride))
            if (!await line.pass(piece.length / rate, stage)) break
            stage.stamp(piece, stage.cameAt(chunk))
            yield piece
            rest = rest.subarray(piece.length)
          }
          if (rate > 0 && !stage.removed) await line.pass(rest.length / rate, stage)
          stage.stamp(rest, stage.cameAt(chunk))
          yield rest
        }
      }
    })
  },
})

function lineOf(shared: Map<string, unknown>, key: string): Line {
  const line = shared.get(key) as Line | undefined ?? new Line()
  shared.set(key, line)
  return line
}

/** What passes one after another. Timers are late: by how much is taken off the next wait. */
class Line {
  #debt = 0
  #turn: Promise<unknown> = Promise.resolve()

  /** @param ms how long it takes to pass. @returns false where the wait ended early. */
  pass(ms: number, stage: StageControl): Promise<boolean> {
    const passed = this.#turn.then(async () => {
      this.#debt += ms
      if (this.#debt < 1) return true
      const start = performance.now()
      const whole = await stage.sleep(this.#debt)
      this.#debt -= performance.now() - start
      if (!whole) this.#debt = Math.min(this.#debt, 0)
      return whole
    })
    this.#turn = passed
    return passed
  }
}
