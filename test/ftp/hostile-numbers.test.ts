import test from 'ava'
import { connectTo } from '../real/peer.js'
import { controlPair } from './control-pair.js'
import { onlyTransfer } from './sound.js'

for (const number of ['1.5', '1e400', '99999999999999999999', '0x10', '-1', 'NaN', 'Infinity', '', ' 1 1', '9007199254740993']) {
  test(`REST ${number}: it passes, the recording goes on, and the transfer is told to begin at 0`, async (t) => {
    const pair = await controlPair(t)
    await pair.asks(`REST ${number}`)
    await pair.asks('RETR f')
    await pair.answers('350 Fine', '550 No such file')
    await pair.asks('NOOP')
    await pair.answers('200 Still here')
    const recording = await pair.over()
    t.is(pair.tape.relay.failure, null)
    t.is(onlyTransfer(recording).restartOffset, 0)
    t.is([...recording.ftpCommands()].length, 3)
  })
}

for (const number of ['99999999999999999999', '9'.repeat(400), '9007199254740993']) {
  test(`a size of ${number.slice(0, 24)} in SIZE's reply and in the 150: the recording goes on, and none is told`, async (t) => {
    const pair = await controlPair(t)
    const client = await connectTo(t, await pair.passive())
    await pair.asks('SIZE /f')
    await pair.answers(`213 ${number}`)
    await pair.asks('RETR /f')
    await pair.answers(`150 Opening (${number} bytes).`)
    const server = await pair.data.next()
    server.write('all').finish()
    await client.rest()
    client.finish()
    await pair.answers('226 Done')
    const recording = await pair.over()
    t.is(pair.tape.relay.failure, null)
    const transfer = onlyTransfer(recording)
    t.is(transfer.sizeTold, null)
    t.is(transfer.outcome, 'completed')
  })
}

test('NUL, lone surrogates and what isn\'t UTF-8 in every text that is recorded', async (t) => {
  const odd = '\0\xed\xa0\x80\xff\xff\xfe\x85'
  const pair = await controlPair(t)
  pair.client.write(`USER ${odd}\r\nSYST\r\nFEAT\r\n${odd}\r\nCWD ${odd}\r\n`)
  await pair.server.through(`CWD ${odd}\r\n`)
  await pair.answers(`331 ${odd}`, `215 ${odd}`, `211-${odd}`, ` ${odd}`, '211 End', `500 ${odd}`, `250 "${odd}"`)
  const recording = await pair.over()
  t.is(pair.tape.relay.failure, null)
  t.is([...recording.ftpCommands()].length, 5)
  t.is([...recording.events({ where: 'kind = \'decoder-failed\'' })].length, 0)
})
