import { Worker } from 'node:worker_threads'
import { importCapture, redecodeRecording } from 'wiretape'

// Writes a recording in one go, and is killed in the middle of a change: some of it is in the file, and there is a journal to undo the rest.
const [, , how, from, path] = process.argv as unknown as readonly [string, string, 'import' | 'redecode', string, string]
const killer = new Worker(`
  const { statSync } = require('node:fs')
  const { parentPort, workerData: path } = require('node:worker_threads')
  const size = (name) => statSync(name, { throwIfNoEntry: false })?.size ?? 0
  parentPort.postMessage('ready')
  for (;;) if (size(path) > 1_000_000 && size(path + '-journal') > 0) process.kill(process.pid, 'SIGKILL')`, { eval: true, workerData: path })
await new Promise((resolve) => killer.once('message', resolve))
if (how === 'import') await importCapture(from, { path })
else redecodeRecording(from, { output: path })
process.exit(0)
