import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { microseconds } from './clock.js'
import { masksFact, masksTold } from './masking.js'
import { RecordingFile } from './recording-file.js'
import { readSlab } from './slab.js'
import { Ingest } from './ingest.js'
import type { FromWorker, ToWorker, WorkerSettings } from './worker-messages.js'
import { reasonOf, systemCodeOf, WiretapeError } from '../error.js'

/** Rows in progress are written this often, and the file is looked for: a crash loses no more of them than this. */
const flushInterval = 200

/** How far the recorder stands back behind what relays, in steps of nice. */
const niceness = 10

/** Bytes of past traffic's heads that aren't complete, over all connections: in live traffic, what clients and sockets hold bounds them. */
const mostHeld = 32 * 1024 * 1024

const port = parentPort!
const settings = workerData as WorkerSettings

function tell(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
}

function fail(thrown: unknown): void {
  failed = true
  clearInterval(timer)
  if (thrown instanceof WiretapeError) {
    tell({ type: 'failed', code: thrown.code, message: thrown.message })
    return
  }
  const code = systemCodeOf(thrown)
  const full = code === 'SQLITE_FULL' || code === 'ENOSPC'
  tell({
    type: 'failed', code: 'storage',
    message: full
      ? `the disk is full: ${settings.path} holds everything up to now and stays readable`
      : `cannot write ${settings.path}: ${reasonOf(thrown)}${code === null ? '' : ` (${code})`}`,
  })
}

let failed = false
/** Of past traffic, in µs. */
let time = 0
let timer: NodeJS.Timeout | undefined
let file: RecordingFile | undefined
let ingest: Ingest | undefined

function flush(): void {
  if (failed) return
  try {
    file!.checkPresent()
    ingest!.flush()
    file!.store.flush(microseconds())
    file!.store.commit()
  } catch (thrown) {
    fail(thrown)
  }
}

/** What live traffic has done for it several times a second, whatever comes. */
function settle(latest: number): void {
  time = Math.max(time, latest)
  ingest!.flush()
  ingest!.relieve(mostHeld, time)
  file!.store.flush(time)
}

function receive(message: ToWorker): void {
  if (failed) return
  try {
    if (message.type === 'slab') {
      const latest = readSlab(message.buffer, message.used, ingest!)
      if (settings.traffic === 'past') settle(latest)
      file!.store.commit()
      tell({ type: 'returned', buffer: message.buffer, records: file!.store.records }, [message.buffer])
    } else if (message.type === 'idle') {
      tell({ type: 'idle', handles: ingest!.idle() })
    } else {
      clearInterval(timer)
      ingest!.flush()
      file!.finish()
      tell({ type: 'closed', records: file!.store.records })
      port.close()
    }
  } catch (thrown) {
    fail(thrown)
  }
}

/**
 * Where processors are few, a recorder of equal rank takes its time slices from the traffic, whose peers then wait for each
 * other: that cost a fifth of the requests on two processors. What waits here meanwhile is bounded, so it can't starve for long.
 * Only Linux ranks threads one by one; elsewhere the call would be for the whole process.
 */
function standBack(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(niceness)
  } catch {
    // A sandbox that forbids it costs speed, nothing else.
  }
}

try {
  if (settings.traffic === 'live') standBack()
  // What an earlier version had recorded stays what it is; in a capture nobody tells which asterisks are whose.
  file = new RecordingFile(settings.append || settings.traffic === 'past' ? settings : { ...settings, facts: { ...settings.facts, [masksFact]: masksTold } })
  ingest = settings.traffic === 'past' ? new Ingest(file.store, 'not in the capture') : new Ingest(file.store)
  if (settings.traffic === 'live') timer = setInterval(flush, flushInterval)
  port.on('message', receive)
  tell({ type: 'ready' })
} catch (thrown) {
  fail(thrown)
}
