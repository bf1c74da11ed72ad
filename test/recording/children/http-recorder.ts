import { startRelay } from 'wiretape'

// Records in a process of its own, so that it can be killed, or run where it has little of something.
const [, , target, path, slowDisk] = process.argv
const relay = await startRelay({
  http: `0=${target}`, record: { path: path!, ...(slowDisk === 'drop' ? { slowDisk } : {}) },
  onProblem: (message) => console.log(`problem: ${message}`),
})
console.log(`port: ${relay.port}`)
