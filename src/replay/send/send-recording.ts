import { existsSync, realpathSync } from 'node:fs'
import { WiretapeError } from '../../error.js'
import { openRecording } from '../../recording/recording.js'
import type { RecorderOptions } from '../../recording/recorder.js'
import { removeRecording } from '../../recording/recording-path.js'
import { parseTarget } from '../../relay/address.js'
import type { Protocol } from '../../relay/address.js'
import { startRelay } from '../../relay/relay.js'
import type { RelayOptions } from '../../relay/options.js'
import { compareSides } from '../compare/compare-recordings.js'
import { recordingNotes } from '../compare/recording-notes.js'
import { wholeSide } from '../compare/recorded-side.js'
import { recordsOf, repeating } from '../compare/repeated-side.js'
import { toldRecords } from '../compare/sender-events.js'
import type { Recording } from '../../recording/recording.js'
import { MaskedPlaces } from '../masked-places.js'
import { chooseRelays } from './choose-relays.js'
import type { ChosenRelays } from './choose-relays.js'
import { ftpSender } from './ftp/ftp-sender.js'
import { httpSender } from './http/http-sender.js'
import { readSendOptions } from './options.js'
import type { SendOptions } from './options.js'
import type { SendResult } from './send-result.js'
import { Run } from './sender.js'
import type { MakeSender } from './sender.js'
import { tcpSender } from './tcp/tcp-sender.js'
import { udpSender } from './udp/udp-sender.js'
import { Wire } from './wire.js'

const senders: Readonly<Record<Protocol, MakeSender>> = { http: httpSender, tcp: tcpSender, udp: udpSender, ftp: ftpSender }

/**
 * Repeats what the clients of a recording sent, against another server or the same, and compares the answers with the recorded ones. The new traffic
 * goes through a relay of its own, and is a recording that `compareRecordings` compares again.
 * @param file a recording's path.
 * @throws WiretapeError `usage`, `not-found`, `connect` (the target can't be reached), `exists` …
 */
export async function sendRecording(file: string, options: SendOptions): Promise<SendResult> {
  const settings = readSendOptions(options)
  const recording = openRecording(file)
  let run: Run | null = null
  try {
    const chosen = chooseRelays(recording, options.to, options.protocol, options.relay)
    const { protocol } = chosen
    refuseForeign(protocol, options)
    const target = parseTarget(protocol, options.to)
    run = new Run(settings.pace, options.insecure ?? false, options.signal, options.onProgress)
    refuseItself(file, options.record)
    // What there is to send is known before anything is opened: an empty run leaves no file.
    const sender = senders[protocol]({ recording, chosen, settings, target, run })
    if (sender.ids.size === 0) throw new WiretapeError('usage', nothingToSend(file, protocol, options.where, run))
    const relay = await startRelay({ ...relayOptions(protocol, target.text, options, repeating(recording, file, chosen.ids)), ...(protocol === 'udp' ? { decode: decodedAs(recording, chosen) } : {}) })
    const path = relay.path!
    try {
      const wire = new Wire(relay)
      for (const [reason, ids] of run.skippedBy()) wire.tellRecords('not-sent', toldRecords(ids, reason))
      wire.tellRecords('not-chosen', toldRecords(notChosen(recording, chosen, sender.ids, run.skippedIds), 'left out by a condition'))
      await sender.send(wire)
      wire.tellRecords('not-sent', toldRecords([...sender.ids].filter((id) => !run!.begun.has(id)), 'the run was ended before'))
    } finally {
      await relay.stop({ grace: protocol === 'udp' ? 0 : 1_000 })
    }
    if (relay.failure !== null) throw relay.failure
    if (run.failure !== null) throw run.failure.thrown
    const durationMs = run.elapsed
    if (run.unreachable !== null) throw notReached(run.unreachable, path)
    const interrupted = options.signal?.aborted === true
    using now = openRecording(path)
    const [was, is] = [{ ...wholeSide(recording), connections: chosen.connections, only: interrupted ? run.begun : sender.ids, asked: 'sent' as const }, wholeSide(now)]
    const { notes, ...compared } = await compareSides(
      was, is, settings.ignored,
      run.skippedCount + sender.ids.size - run.begun.size, options.onDifference)
    // Of other protocols nothing was to be sent.
    const only = new Set([protocol])
    const comparison = { ...compared, notes: [...recordingNotes({ ...was, protocols: only }, { ...is, protocols: only }), ...notes] }
    return {
      protocol, target: target.text, file, path, sent: run.sent, skippedCount: run.skippedCount, skipped: run.skipped, notes: [...run.notes, ...maskNotes(recording, now)], comparison, durationMs,
      planned: sender.ids.size, interrupted, equal: comparison.differenceCount === 0 && comparison.compared > 0 && !interrupted && !(options.strict === true && comparison.notSent > 0), drift: run.drift,
    }
  } finally {
    run?.close()
    recording.close()
  }
}

function relayOptions(protocol: Protocol, target: string, options: SendOptions, facts: Readonly<Record<string, string>>): RelayOptions {
  const { record, plugins, seed, log, onProblem } = options
  const recorder: RecorderOptions = typeof record === 'string' ? { path: record } : record ?? {}
  return {
    [protocol]: `0=${target}`, injectable: false, insecure: options.insecure ?? false,
    record: { ...recorder, facts: { ...recorder.facts, ...facts } },
    ...(plugins === undefined ? {} : { plugins }), ...(seed === undefined ? {} : { seed }), ...(log === undefined ? {} : { log }),
    ...(onProblem === undefined ? {} : { onProblem }),
  }
}

/** What another protocol has no use for is a mistake. @throws WiretapeError `usage`. */
function refuseForeign(protocol: Protocol, { connections, host, insecure, password }: SendOptions): void {
  const refuse = (option: string, why: string): never => {
    throw new WiretapeError('usage', `${option}: ${why}; ${protocol} is sent as recorded`)
  }
  if (protocol !== 'http') {
    if (typeof connections === 'number') refuse(`--connections ${connections}`, 'only HTTP requests can be dealt out')
    if (host !== undefined) refuse(`--host ${host}`, 'only HTTP requests have a Host header')
    if (insecure === true) refuse('--insecure', 'only an https:// target has a certificate')
  }
  if (protocol !== 'ftp' && password !== undefined) refuse('--password', 'only FTP has PASS')
}

/** Answers that had secrets have them again, and nobody has masked them by now. */
function maskNotes(recording: Recording, now: Recording): string[] {
  const masked = recording.facts()['masked']
  if (masked === undefined || now.facts()['masked'] !== undefined) return []
  const places = new MaskedPlaces(recording, 'down')
  if (places.told && !places.some) return []
  return [`answers in ${recording.path} have secrets masked by ${masked}: asterisks are compared with what came now, which ${now.path} has as it came: --plugin ${masked.split(', ').join(' --plugin ')} masks it too`]
}

/** What is repeated isn't overwritten, and nothing without being told to. @throws WiretapeError `usage`, `exists`. */
function refuseItself(file: string, record: SendOptions['record']): void {
  const { path, overwrite } = typeof record === 'object' ? record : { path: record }
  if (path === undefined || !existsSync(path)) return
  if (realpathSync(path) === realpathSync(file)) throw new WiretapeError('usage', `-o ${path}: that is the recording that is sent: name another`)
  if (overwrite !== true) throw new WiretapeError('exists', `${path} exists: choose another name, or --overwrite it`)
}

/** What of the chosen relays isn't to be sent, though nothing stands against it. */
function notChosen(recording: Recording, { protocol, connections }: ChosenRelays, ids: ReadonlySet<number>, skipped: ReadonlySet<number>): number[] {
  return [...recordsOf(recording, protocol, connections)].filter((id) => !ids.has(id) && !skipped.has(id))
}

/** What the recorded datagrams were read as: the new ones are to be compared with them. */
function decodedAs(recording: Recording, { connections }: ChosenRelays): string {
  const dns = new Set<number>()
  for (const { connectionId } of recording.dnsQueries()) if (connections.has(connectionId)) dns.add(connectionId)
  return dns.size === 0 ? 'none' : dns.size === connections.size ? 'dns' : 'auto'
}

function nothingToSend(file: string, protocol: Protocol, where: string | undefined, run: Run): string {
  const what = { http: 'requests', tcp: 'connections', udp: 'datagrams', ftp: 'sessions' }[protocol]
  const [first] = run.skipped
  if (first !== undefined) return `nothing of ${file} can be sent: ${first.asked}: ${first.reason}${run.skippedCount > 1 ? `, and ${run.skippedCount - 1} more` : ''}`
  return `${file} has no ${protocol} ${what} to send${where === undefined ? '' : ` where ${where}`}`
}

/** The file that tells of nothing but that is taken away again. */
function notReached(error: string, path: string): WiretapeError {
  removeRecording(path)
  return new WiretapeError('connect', `nothing could be sent: ${error}`)
}
