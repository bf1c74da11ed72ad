import { fileURLToPath } from 'node:url'
import { listening } from './listening.js'
import { startMitmdump } from './mitmdump.js'
import type { Peer } from './peer.js'

const mapScript = fileURLToPath(new URL('map-process.js', import.meta.url))
const commandLine = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

/** Node's bare server, answering from a Map. */
export function nodeMap(answers: number): Peer {
  return { name: 'node, from a Map', program: null, start: async ({ processes }) => listening(processes.start(process.execPath, [mapScript, String(answers)])) }
}

/** `wiretape serve`. @param recording a file. */
export function serving(recording: string): Peer {
  return {
    name: 'serve', program: null,
    start: async ({ processes }) => listening(processes.start(process.execPath, [commandLine, 'serve', recording, '--http', '0', '--json'])),
  }
}

/** mitmproxy's server replay. @param flows as it recorded them. */
export function mitmdumpReplay(flows: string): Peer {
  return {
    name: 'mitmdump replay', program: 'mitmdump',
    // It keeps answering from the same flows, and goes nowhere for others.
    start: (session, origin) => startMitmdump(session, origin, ['-S', flows, '--set', 'server_replay_nopop=true', '--set', 'server_replay_kill_extra=true'], null),
  }
}
