import type { Control, Relay } from '../index.js'
import { formatBytes } from './units.js'

/** Tells that all are ready, with the real ports: a script may go on as soon as it has read these. */
export function printReady(relay: Relay, control: Control | null, json: boolean): void {
  for (const listener of relay.listeners) {
    const { protocol, url, target, buffer, enabled } = listener
    if (!enabled) continue
    console.log(json ? JSON.stringify({ type: 'listening', ...listener })
      : `${protocol.padEnd(5)}${url} → ${target}${buffer === undefined ? '' : ` (receive buffer ${formatBytes(buffer)})`}`)
  }
  if (control !== null) {
    const { host, port, url } = control
    console.log(json ? JSON.stringify({ type: 'control', host, port, url }) : `control ${url}`)
  }
}
