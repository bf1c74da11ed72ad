import { Readable } from 'node:stream'
import { WiretapeError } from '../../error.js'
import { asSent } from '../../recording/legs.js'
import type { NamedRecord } from '../../recording/named-record.js'
import type { FtpSession, FtpTransferRecord, FtpCommandRecord, Recording, Segment, Side } from '../../index.js'
import { commandView } from './command-view.js'
import { sessionJson } from './session-json.js'
import { sessionView } from './session-view.js'
import { readStory } from './story.js'
import { transferView } from './transfer-view.js'

/** What `show` needs of a record, whatever its kind. */
export interface ShownRecord {
  lines(): Iterable<string> | AsyncIterable<string>
  json(): unknown
  /** @param leg `sent` for what went out instead of what came. */
  bytes(body: Side | undefined, raw: boolean, leg: 'received' | 'sent'): Readable[]
}

/** A session, a command or a transfer as `show` shows it; null where the record is something else. */
export function ftpRecord(recording: Recording, { id, protocol, kind }: NamedRecord): ShownRecord | null {
  if (protocol !== 'ftp') return null
  const where = `id = ${id}`
  if (kind === 'session') {
    const [session] = recording.ftpSessions({ where })
    return shownSession(recording, session!)
  }
  if (kind === 'command') {
    const [command] = recording.ftpCommands({ where })
    return shownCommand(recording, command!)
  }
  if (kind === 'transfer') {
    const [transfer] = recording.ftpTransfers({ where })
    return shownTransfer(recording, transfer!)
  }
  return null
}

function shownSession(recording: Recording, session: FtpSession): ShownRecord {
  const story = readStory(recording, session)
  return {
    lines: () => sessionView(story),
    json: () => sessionJson(story),
    bytes: (body, _raw, leg) => directions(body).map((direction) => recording.stream(session.connectionId, direction, leg)),
  }
}

function shownCommand(recording: Recording, command: FtpCommandRecord): ShownRecord {
  const { id, connectionId } = command
  return {
    lines: () => commandView(recording, command),
    json: () => ({ ...command, replies: [...recording.ftpReplies({ where: `command_id = ${id}` })] }),
    bytes: (body, raw, leg) => {
      if (!raw) throw new WiretapeError('usage', `--body: record ${id} is a command, which has none; --raw gives its line and its replies`)
      return directions(body).map((direction) => Readable.from(bytesOf(recording, `connection_id = ${connectionId} AND message_id = ${id} AND direction = '${direction}'`, leg), { objectMode: false }))
    },
  }
}

/** A transfer goes one way only, so either word means what it carried. */
function shownTransfer(recording: Recording, transfer: FtpTransferRecord): ShownRecord {
  const { id } = transfer
  return {
    lines: () => transferView(recording, transfer),
    json: () => ({ ...transfer, listing: recording.ftpListing(id) }),
    bytes: (_body, _raw, leg) => [recording.transferBody(id, leg)],
  }
}

function directions(body: Side | undefined): ('up' | 'down')[] {
  return body === undefined ? ['up', 'down'] : body === 'request' ? ['up'] : ['down']
}

function* bytesOf(recording: Recording, where: string, leg: 'received' | 'sent'): Generator<Buffer> {
  const of = (which: 'received' | 'sent'): Segment[] => [...recording.segments({ where: `${where} AND leg = '${which}'` })]
  for (const { bytes } of leg === 'received' ? of('received') : asSent(of('received'), of('sent'))) yield bytes
}
