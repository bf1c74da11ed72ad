import type { Action } from '../../plugins/actions.js'
import type { Host } from './host.js'
import type { RequestEvent, ResponseEvent } from '../../protocols/http1/index.js'
import type { Course } from './passage.js'

/** What the passage of a message asks of its exchange. */
export interface ExchangeSide {
  readonly host: Host
  /** Ordinal on the client's connection. */
  readonly message: number
  /** Of the request: as received, and as it went on. */
  readonly method: string
  readonly sentMethod: string
  readonly version: string
  /** Empty lines before the request line, which go on with it. */
  readonly lead: Buffer
  /** A server gets the request, with this method. */
  goesToServer(method: string): void
  actOnRequest(actions: readonly Action[], event: RequestEvent): boolean
  actOnResponse(actions: readonly Action[], event: ResponseEvent, hook: string): boolean
  takeUpCourse(course: Course): void
  takeDownCourse(course: Course): void
  upOver(): void
  downOver(): void
  /** The client has a part of a final response. @param closing the connection ends with it. */
  responds(closing: boolean): void
  /** Nothing may follow it on the client's connection. */
  endsConnection(): void
}
