import { preparesData } from '../../protocols/ftp/index.js'
import type { ConnectionRecord, FtpCommandRecord, FtpTransferRecord } from '../../index.js'
import { endOf } from './story.js'
import type { FtpStory } from './story.js'

/** One data connection as a bar on the time axis, from the reply that prepared it to its close. Times in µs. */
export interface Bar {
  /** The command that prepared it: PASV, EPSV, PORT, EPRT. */
  readonly setup: FtpCommandRecord | null
  /** What it carried; null where nothing was asked of it. */
  readonly transfer: FtpTransferRecord | null
  /** Direction and path of what it carried: `↓ /a.txt`. */
  readonly name: string | null
  readonly prepared: number | null
  /** Null where nobody ever connected. */
  readonly connected: number | null
  readonly firstByte: number | null
  readonly lastByte: number | null
  /** Null where it is still open. */
  readonly closed: number | null
  readonly bytes: number
  /** Bytes that went on, where other bytes did than came. */
  readonly bytesSent: number | null
  readonly error: string | null
}

/** Ties each data connection to the command that prepared it. What was prepared and never used gets a bar too. */
export function barsOf(story: FtpStory): Bar[] {
  const { transfers, data, session } = story
  const setups = story.commands.filter(({ verb, code }) => preparesData(verb) !== null && code !== null && code < 300)
  const used = new Set<FtpCommandRecord>()
  const carried = new Map(transfers.map((transfer) => [transfer.connectionId, transfer]))
  const names = namesOf(story)
  const bars = data.map((connection): Bar => {
    const setup = lastBefore(setups, connection.opened)
    const first = setup !== null && !used.has(setup)
    if (first) used.add(setup)
    const transfer = carried.get(connection.id) ?? null
    const bar = connectionBar(connection, transfer, transfer === null ? null : names.get(transfer.id)!, setup, first)
    return transfer === null ? bar : { ...bar, bytesSent: story.bytesSent.get(transfer.id) ?? null }
  })
  for (const [index, setup] of setups.entries()) {
    if (used.has(setup)) continue
    const next = setups[index + 1]
    const waiting = transfers.find(({ connectionId, outcome, started }) =>
      connectionId === null && outcome !== 'refused' && started >= setup.started && (next === undefined || started < next.started))
    const over = waiting?.replied ?? next?.started ?? (session.ended === null ? null : endOf(story))
    bars.push({
      setup, transfer: waiting ?? null, name: waiting === undefined ? null : names.get(waiting.id)!, prepared: setup.replied, connected: null, firstByte: null, lastByte: null,
      closed: over, bytes: 0, bytesSent: null, error: waiting?.error ?? null,
    })
  }
  return bars.sort((a, b) => startOf(a) - startOf(b))
}

/** What each transfer is called; where its folder isn't known, as the client named it. */
export function namesOf({ commands, transfers }: FtpStory): Map<number, string> {
  const asked = new Map(commands.map(({ transferId, argument }) => [transferId, argument]))
  return new Map(transfers.map((transfer) => [transfer.id, nameOf(transfer, asked.get(transfer.id) ?? null)]))
}

/** `↓ /a.txt`. @param argument what the command named, for where the path isn't known. */
export function nameOf({ direction, path, verb }: FtpTransferRecord, argument: string | null): string {
  return `${direction === 'up' ? '↑' : '↓'} ${path ?? argument ?? verb}`
}

export function startOf({ prepared, connected }: Bar): number {
  return prepared ?? connected ?? 0
}

function connectionBar(
  connection: ConnectionRecord, transfer: FtpTransferRecord | null, name: string | null, setup: FtpCommandRecord | null, first: boolean,
): Bar {
  const { opened, closed, error, bytesUp, bytesDown } = connection
  // An active connection can come before the reply to the command that prepared it.
  const prepared = first && setup?.replied != null && setup.replied <= opened ? setup.replied : null
  return {
    setup, transfer, name, prepared, connected: opened, firstByte: transfer?.firstByte ?? null, lastByte: transfer?.lastByte ?? null,
    closed, bytes: transfer?.bytes ?? bytesUp + bytesDown, bytesSent: null, error: transfer?.error ?? error,
  }
}

/** The last command sent before a time; commands are in the order in which they were sent. */
function lastBefore(commands: readonly FtpCommandRecord[], time: number): FtpCommandRecord | null {
  let from = 0
  let to = commands.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (commands[middle]!.started <= time) from = middle + 1
    else to = middle
  }
  return commands[from - 1] ?? null
}
