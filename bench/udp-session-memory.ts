import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from './bench.js'
import { datagramSize, holdUdpSessions } from './clients/udp.js'
import { startRelayProcess } from './peers/wiretape.js'
import { loopback } from './ports.js'
import { readDatagrams } from './recorded-datagrams.js'
import type { Check, Row } from './report/outcome.js'

export const heldSessions = 10_000

/** Sessions before those that are counted: with them the relay compiles its code and makes what it has once. */
const warmUpSessions = 200
const warmUpExchanges = 50

/** Ms in which the relay comes to rest before its memory is read. */
const rest = 1000

/** A socket each, in the relay and in the client, and what a process has besides. */
const descriptors = heldSessions + warmUpSessions + 100

/** What each of many open sessions costs the relay, in bytes of resident memory; the system's socket buffers aren't in it. */
export async function measureSessionMemory(session: Session, origin: number): Promise<{ rows: Row[], checks: Check[] }> {
  const reason = obstacle()
  const rows: Row[] = []
  const checks: Check[] = []
  for (const [peer, record] of [['recording', session.scratch.fresh('recording.sqlite')], ['not recording', null]] as const) {
    if (reason !== null) {
      rows.push({ peer, samples: [], absent: `skipped: ${reason}` })
      continue
    }
    session.say(`  ${heldSessions} sessions at once: ${peer}`)
    const { bytes, sent } = await hold(session, origin, record)
    rows.push({ peer, samples: [bytes / heldSessions / 1000], absent: null })
    if (record === null) continue
    checks.push(check(record, sent))
    session.scratch.discard(record)
  }
  return { rows, checks }
}

async function hold(session: Session, origin: number, record: string | null): Promise<{ bytes: number, sent: number }> {
  const relay = await startRelayProcess(session, {
    udp: `0=${loopback}:${origin}`, udpSessions: heldSessions + warmUpSessions, ...(record === null ? {} : { record }),
  })
  const first = await holdUdpSessions(session, relay.port, warmUpSessions, warmUpExchanges)
  await sleep(rest)
  const before = residentMemory(relay.pid)
  const all = await holdUdpSessions(session, relay.port, heldSessions, 1)
  await sleep(rest)
  const bytes = residentMemory(relay.pid) - before
  await Promise.all([first.stop(), all.stop()])
  await relay.stop()
  return { bytes, sent: first.sent + all.sent }
}

function check(path: string, sent: number): Check {
  const { sessions, up, down, misshapen, troubles } = readDatagrams(path, datagramSize)
  const expected = heldSessions + warmUpSessions
  const ok = sessions === expected && up === sent && down === sent && misshapen === 0 && troubles.length === 0
  return {
    ok,
    text: ok ? `${expected} sessions: all are in the file, with all their datagrams`
      : `${sessions} of ${expected} sessions are in the file, ${up} up and ${down} down of ${sent} datagrams each way, ${misshapen} misshapen; ${troubles.join('; ')}`,
  }
}

/** @returns why it can't be measured here, null where it can. */
function obstacle(): string | null {
  try {
    // Node raises its own limit as far as it may, and what it starts inherits that.
    const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity)
    return limit < descriptors ? `ulimit -n is ${limit}, and this takes ${descriptors}` : null
  } catch {
    return 'the system has no /proc that tells a process\'s memory'
  }
}

function residentMemory(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kibibytes === undefined) throw new Error(`no resident memory of process ${pid} in /proc`)
  return Number(kibibytes) * 1024
}
