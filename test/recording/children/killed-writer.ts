import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { importCapture, redecodeRecording } from 'wiretape'

// Writes a recording in one go, and is killed in the middle of a change: some of it is committed, and there is a journal to undo the rest.
const [, , how, from, path] = process.argv as unknown as readonly [string, string, 'import' | 'redecode', string, string]
const killer = new Worker(`
  const { statSync } = require('node:fs')
  const { parentPort, workerData: { path, sqlite } } = require('node:worker_threads')
  const Sqlite = require(sqlite)
  const committed = () => {
    try {
      const database = new Sqlite(path, { readonly: true, fileMustExist: true })
      try {
        return database.prepare('SELECT 1 FROM http_exchange_row LIMIT 1').get() !== undefined
      } finally {
        database.close()
      }
    } catch {
      return false
    }
  }
  parentPort.postMessage('ready')
  while (!committed());
  for (;;) if ((statSync(path + '-journal', { throwIfNoEntry: false })?.size ?? 0) > 0) process.kill(process.pid, 'SIGKILL')`,
{ eval: true, workerData: { path, sqlite: createRequire(import.meta.url).resolve('better-sqlite3') } })
await new Promise((resolve) => killer.once('message', resolve))
if (how === 'import') await importCapture(from, { path })
else redecodeRecording(from, { output: path })
process.exit(0)
