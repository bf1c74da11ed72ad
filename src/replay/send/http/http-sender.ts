import { withHost } from '../../../relay/rewrite-host.js'
import { AnswerLimits } from '../answer-limits.js'
import { RecordedOrder } from '../order.js'
import type { MakeSender, SenderOptions } from '../sender.js'
import type { Wire } from '../wire.js'
import { HttpConnection } from './http-connection.js'
import { httpPatience, planRequests } from './http-plan.js'
import type { PlannedRequest } from './http-plan.js'

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Most connections that are open at once, whatever was recorded. */
const mostAtOnce = 1_000

/**
 * Repeats HTTP clients: recorded requests, byte for byte but for `Host`, on as many connections as were recorded and in their order, or dealt out to a given
 * number of them. On one connection a request waits for the answer before it.
 */
export const httpSender: MakeSender = (options) => {
  const planned = planRequests(options)
  const ids = new Set(planned.map(({ id }) => id))
  return {
    ids,
    send: async (wire) => {
      options.run.begin(planned.length)
      const first = planned.reduce((least, { began }) => Math.min(least, began), Infinity)
      const { connections } = options.settings
      if (connections > 0) await sendDealt(options, wire, planned, first, connections)
      else await sendAsRecorded(options, wire, planned, first)
      const { repeated, notes } = options.run
      if (repeated > 0) notes.push(`${repeated} request${repeated === 1 ? ' was' : 's were'} sent twice: the server had closed the connection instead of answering`)
    },
  }
}

async function sendDealt(options: SenderOptions, wire: Wire, planned: readonly PlannedRequest[], first: number, connections: number): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    const line = new Line(options, wire)
    while (next < planned.length && !options.run.over) {
      const request = planned[next++]!
      await options.run.until(request.began - first)
      if (options.run.over) break
      await line.send(request, request.began - first).catch(options.run.fail)
    }
    line.close()
  }
  await Promise.all(Array.from({ length: Math.min(connections, planned.length) }, lane))
}

async function sendAsRecorded(options: SenderOptions, wire: Wire, given: readonly PlannedRequest[], first: number): Promise<void> {
  const { run, settings: { pace } } = options
  const planned = inOrderOfConnections(given)
  // Where it is paced, its times keep the order; else what was over before a request began is waited for: it may have needed that.
  const order = pace.waits ? null : new RecordedOrder(planned)
  run.signal.addEventListener('abort', () => order?.release())
  const lanes = new Map<number, number[]>()
  for (const [index, { connection }] of planned.entries()) {
    const lane = lanes.get(connection)
    if (lane === undefined) lanes.set(connection, [index])
    else lane.push(index)
  }
  const running = new Set<Promise<void>>()
  let full = false
  /** Those that are open wait for some that can't be opened beside them. */
  const free = (): void => {
    if (!full || order === null || order.waiting < running.size) return
    order.release()
    run.notes.push(`more than ${mostAtOnce} connections were open at once: from there on each kept its own order, not that among them`)
  }
  const mayBegin = (index: number): Promise<void> => order === null ? run.until(planned[index]!.began - first) : order.turn(index)
  const follow = async (indexes: readonly number[]): Promise<void> => {
    const line = new Line(options, wire)
    for (const index of indexes) {
      const turn = mayBegin(index)
      free()
      await turn
      // Whatever fails, those that wait for this one go on.
      if (!run.over) await line.send(planned[index]!, planned[index]!.began - first).catch(run.fail)
      order?.done(index)
    }
    line.close()
  }
  for (const indexes of [...lanes.values()].sort((a, b) => planned[a[0]!]!.began - planned[b[0]!]!.began)) {
    await mayBegin(indexes[0]!)
    if (run.over) break
    const lane = follow(indexes).finally(() => running.delete(lane))
    running.add(lane)
    if (running.size < mostAtOnce) continue
    full = true
    free()
    await Promise.race(running)
    full = false
  }
  await Promise.all(running)
}

/** A request doesn't begin before the one before it on its connection, whatever a clock that was set back says. */
function inOrderOfConnections(planned: readonly PlannedRequest[]): PlannedRequest[] {
  const last = new Map<number, number>()
  return planned.map((request) => {
    const began = Math.max(request.began, last.get(request.connection) ?? -Infinity)
    last.set(request.connection, began)
    return began === request.began ? request : { ...request, began }
  })
}

/** What was one connection: a new one is made where the server has closed it. */
class Line {
  readonly #options: SenderOptions
  readonly #wire: Wire
  #connection: HttpConnection | null = null

  constructor(options: SenderOptions, wire: Wire) {
    this.#options = options
    this.#wire = wire
  }

  async send(request: PlannedRequest, offset: number): Promise<void> {
    const { run } = this.#options
    run.begun.add(request.id)
    run.sentAt(offset)
    let how = await this.#exchange(request)
    // RFC 9112 §9.3.1; one that isn't idempotent may have been done all the same (RFC 9110 §9.2.2).
    if (how === 'none' && this.#connection!.wasClosed && idempotent.has(request.method) && !run.over) {
      run.repeated++
      how = await this.#exchange(request)
    }
    run.sent++
    if (how === 'none') await run.unanswered(this.#options.target)
    else run.reached = true
    run.done()
  }

  close(): void {
    this.#connection?.close()
  }

  #exchange(request: PlannedRequest): Promise<'whole' | 'cut' | 'none'> {
    if (this.#connection?.usable !== true) {
      this.#connection?.close()
      this.#connection = new HttpConnection(this.#wire, this.#options.run.signal)
    }
    const { enough, waited, answer } = request
    return this.#connection.exchange(request.method, this.#bytesOf(request), { enough, waited, limits: new AnswerLimits(answer, this.#options.settings.patience ?? httpPatience) })
  }

  /** The head at once, the rest as it is read from the file. */
  *#bytesOf({ id, changed }: PlannedRequest): Generator<Buffer> {
    const { recording, settings, target } = this.#options
    const head: Buffer[] = []
    let inHead = true
    for (const { kind, bytes } of recording.messagePieces(id, 'request', changed ? 'sent' : 'received')) {
      if (kind === 'head') {
        head.push(bytes)
        continue
      }
      if (inHead) {
        inHead = false
        yield this.#headFor(head, settings.hostOfTarget ? target.authority : null)
      }
      yield bytes
    }
    if (inHead) yield this.#headFor(head, settings.hostOfTarget ? target.authority : null)
  }

  #headFor(pieces: readonly Buffer[], host: string | null): Buffer {
    const head = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    return host === null ? head : withHost(head, host) ?? head
  }
}
