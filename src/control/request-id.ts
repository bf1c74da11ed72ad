import { randomBytes } from 'node:crypto'

/** For people who look for a request in a log: 20 letters and digits, as the original's. */
export function requestId(): string {
  return [...randomBytes(20)].map((byte) => (byte & 31).toString(32)).join('')
}
