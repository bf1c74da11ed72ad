import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { WiretapeError, reasonOf } from '../error.js'
import { removeRecording } from './recording-path.js'
import type { FromWorker, WorkerSettings } from './worker-messages.js'

/**
 * Starts the thread that decodes and writes.
 * @throws WiretapeError with what it fails with at once; `storage` where it can't even begin: its database module is missing or broken. A file
 *   that was made for it is gone then.
 */
export async function startWorker(settings: WorkerSettings): Promise<Worker> {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: settings })
  try {
    const first = await firstMessage(worker, settings.path)
    if (first.type === 'failed') throw new WiretapeError(first.code, first.message)
    return worker
  } catch (thrown) {
    await worker.terminate()
    if (!settings.append) removeRecording(settings.path)
    throw thrown
  }
}

async function firstMessage(worker: Worker, path: string): Promise<FromWorker> {
  const over = new AbortController()
  try {
    const [first] = await Promise.race([
      once(worker, 'message', { signal: over.signal }),
      once(worker, 'exit', { signal: over.signal }).then(() => { throw new Error('its worker ended at once') }),
    ]) as [FromWorker]
    return first
  } catch (cause) {
    throw new WiretapeError('storage', `cannot write ${path}: ${reasonOf(cause)}`, { cause })
  } finally {
    over.abort()
  }
}
