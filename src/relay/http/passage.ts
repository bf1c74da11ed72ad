import type { Action } from '../../plugins/actions.js'
import type { ConnectionPlugins, HookPath, Place } from '../../plugins/connection-plugins.js'
import type { HttpBody } from '../../plugins/messages.js'
import type { Direction, SpanKind } from '../../protocols/decoder.js'
import type { BodyFraming, SentFraming, TrailersEvent } from '../../protocols/http1/index.js'
import type { BodyState } from './body-state.js'
import type { Inflow } from './inflow.js'
import type { Outgoing } from './outgoing.js'
import type { RequestState } from './request-state.js'
import type { ResponseState } from './response-state.js'

/** One message on its way through: what its body's course needs to know of it, and asks of the exchange. */
export interface Passage {
  readonly direction: Direction
  readonly plugins: ConnectionPlugins
  readonly place: Place
  readonly head: RequestState | ResponseState
  readonly inflow: Inflow
  readonly out: Outgoing
  /** Stream offset after the head. */
  readonly bodyStart: number
  /** As received. */
  readonly framing: BodyFraming
  /** How a body of unknown length can be sent: `bare` ends with the connection, null not at all. */
  readonly streaming: 'chunked' | 'bare' | null
  readonly bodyHook: HookPath<(body: HttpBody, head: never) => unknown>
  /** Calls once there is somewhere to send it, in the same turn where there is already. */
  ready(then: () => void): void
  /** Sends the head. @param framing null leaves it as it was received. */
  sendHead(framing: SentFraming | null): void
  /** The body is going to be held: the head doesn't go on before all of it is here. */
  held(): void
  /** Carries out what a body hook asked for. @returns whether the message goes no further. */
  act(actions: readonly Action[]): boolean
  /** The rest of the body goes another way. */
  take(course: Course): void
  /** The message has gone on whole. */
  over(): void
  /** It can't go on any more: both sides are torn down. */
  cut(reason: string): void
  /** Resolves when bytes have gone out and there is room for more. */
  room(): Promise<void>
  callBody(call: (body: HttpBody, head: never) => unknown, body: BodyState): unknown
}

/** What becomes of the bytes after a head. */
export interface Course {
  span(kind: SpanKind, start: number, bytes: Buffer): void
  trailers(event: TrailersEvent): void
  /** @param end stream offset; `complete` is false where the sender stopped in the middle. */
  end(end: number, complete: boolean): void
}
