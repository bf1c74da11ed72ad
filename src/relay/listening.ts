import type { Hooks } from '../plugins/hooks.js'
import type { ConnectionInfo } from '../plugins/messages.js'

/** Which of a connection's hooks are asked for. */
export const listening: Readonly<Record<ConnectionInfo['protocol'], readonly (keyof Hooks)[]>> = {
  'tcp': ['connection', 'stream', 'recording'],
  'http': ['connection', 'http', 'stream', 'recording'],
  'ftp': ['connection', 'ftp', 'stream', 'recording'],
  'ftp-data': ['connection', 'ftp', 'stream', 'recording'],
  'udp': ['connection', 'udp', 'dns', 'recording'],
}
