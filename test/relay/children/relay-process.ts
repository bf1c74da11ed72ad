import { startRelay } from 'wiretape'

// A relay of its own process, for limits that hold for a whole process. Prints its port, then each problem it tells of.
const [, , target, record, protocol = 'tcp'] = process.argv
const relay = await startRelay({
  [protocol]: `0=${target}`,
  ...(record === undefined ? {} : { record }),
  onProblem: (message) => console.log(`problem: ${message}`),
})
console.log(`port: ${relay.port}`)
process.stdin.resume().once('end', () => {
  void relay.stop({ grace: 0 }).then(() => {
    console.log('stopped')
    process.exit(0)
  })
})
