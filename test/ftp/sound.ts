import { createHash } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import type { FtpTransferRecord, Recording } from 'wiretape'
import { bytesOf } from '../real/relaying.js'

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** The one transfer that meets the condition. */
export function onlyTransfer(recording: Recording, where?: string): FtpTransferRecord {
  const found = [...recording.ftpTransfers(where === undefined ? {} : { where })]
  if (found.length !== 1) throw new Error(`expected one transfer, found ${found.length}: ${JSON.stringify(found, null, 1)}`)
  return found[0]!
}

/** What holds for every transfer that came to its end: the threads between its records, its times, its bytes. */
export async function assertCompleted(t: ExecutionContext, recording: Recording, transfer: FtpTransferRecord, bytes?: Buffer): Promise<void> {
  const about = `${transfer.verb} ${transfer.path}`
  t.is(transfer.outcome, 'completed', `${about}: ${transfer.error}`)
  t.is(transfer.error, null, about)
  t.true(transfer.code !== null && transfer.code >= 200 && transfer.code < 300, about)
  assertTied(t, recording, transfer)
  const body = await bytesOf(recording.transferBody(transfer.id))
  t.is(transfer.bytes, body.length, about)
  t.is(transfer.sha256, sha256(body), about)
  if (bytes !== undefined) t.is(transfer.sha256, sha256(bytes), `${about}: ${body.length} of ${bytes.length} bytes`)
  if (body.length > 0) {
    assertInOrder(t, about, transfer.connected, transfer.firstByte, transfer.lastByte, transfer.closed)
    assertInOrder(t, about, transfer.started, transfer.firstByte)
    t.true(transfer.bytesPerSecond === null || transfer.bytesPerSecond > 0, about)
  } else {
    t.is(transfer.firstByte, null, about)
    assertInOrder(t, about, transfer.connected, transfer.closed)
  }
  // A server may connect before the relay has read its reply to PORT.
  if (transfer.mode === 'passive') assertInOrder(t, about, transfer.prepared, transfer.connected)
  assertInOrder(t, about, transfer.started, transfer.replied)
  t.true(transfer.durationMs !== null && transfer.durationMs >= 0 && transfer.durationMs < 60_000, about)
}

/** Command, data connection and session point to one another. */
function assertTied(t: ExecutionContext, recording: Recording, transfer: FtpTransferRecord): void {
  const [session] = recording.ftpSessions({ where: `id = ${transfer.sessionId}` })
  const [command] = recording.ftpCommands({ where: `id = ${transfer.commandId}` })
  t.is(command?.transferId, transfer.id)
  t.is(command?.verb, transfer.verb)
  t.is(command?.path, transfer.path)
  t.is(command?.sessionId, transfer.sessionId)
  t.is(command?.code, transfer.code)
  t.true(command!.latencyMs! >= 0 && command!.latencyMs! < 60_000)
  const data = recording.connection(transfer.connectionId!)
  t.is(data.role, 'data')
  t.is(data.parentId, session!.connectionId)
  t.is(data.parentId, command!.connectionId)
  const [carried, idle] = transfer.direction === 'down' ? [data.bytesDown, data.bytesUp] : [data.bytesUp, data.bytesDown]
  t.is(carried, transfer.bytes)
  t.is(idle, 0)
  const setup = recording.ftpCommands({ where: `session_id = ${session!.id} and verb = '${transfer.form}' and replied = ${transfer.prepared}` })
  t.is([...setup].length, 1, `prepared by a reply to ${transfer.form}`)
  t.is(transfer.connected, data.connected)
  t.is(transfer.closed, data.closed)
  t.is(transfer.mode, transfer.form === 'PASV' || transfer.form === 'EPSV' ? 'passive' : 'active')
  t.is(transfer.dialledBy, transfer.mode === 'passive' ? 'client' : 'server')
  for (const address of [data.client, data.listen, data.dial, data.server]) {
    t.true(address !== null && address.port > 0, JSON.stringify(data))
  }
}

export function assertInOrder(t: ExecutionContext, about: string, ...times: (number | null)[]): void {
  t.true(times.every((time) => time !== null), `${about}: ${times.join(', ')}`)
  t.deepEqual(times.toSorted((one, other) => one! - other!), times, about)
}
