import test from 'ava'
import type { ExecutionContext } from 'ava'
import { connectTo } from '../real/peer.js'
import type { FtpTransferRecord } from 'wiretape'
import { controlPair } from './control-pair.js'
import { onlyTransfer } from './sound.js'

type Step = readonly [command: string, ...replies: string[]]

/** The record of a download of some bytes that these commands went before. */
async function after(t: ExecutionContext, steps: readonly Step[], begun = '150 Opening', retrieve = 'RETR /f'): Promise<FtpTransferRecord> {
  const pair = await controlPair(t)
  for (const [command, ...replies] of steps) {
    await pair.asks(command)
    await pair.answers(...replies)
  }
  const client = await connectTo(t, await pair.passive())
  await pair.asks(retrieve)
  await pair.answers(begun)
  const server = await pair.data.next()
  server.write('bytes').finish()
  await client.rest()
  client.finish()
  await pair.answers('226 Done')
  const transfer = onlyTransfer(await pair.over())
  t.is(transfer.outcome, 'completed')
  return transfer
}

const settings: readonly (readonly [name: string, steps: readonly Step[], expected: readonly [type: string, mode: string, structure: string]])[] = [
  ['as a session begins', [], ['A', 'S', 'F']],
  ['TYPE I', [['TYPE I', '200 Done']], ['I', 'S', 'F']],
  ['type l 8, in lower case', [['type l 8', '200 Done']], ['L 8', 'S', 'F']],
  ['MODE and STRU', [['MODE B', '200 Done'], ['STRU R', '200 Done']], ['A', 'B', 'R']],
  ['a refused TYPE changes nothing', [['TYPE I', '200 Done'], ['TYPE E', '504 No']], ['I', 'S', 'F']],
  ['a refused MODE changes nothing', [['MODE Z', '504 No']], ['A', 'S', 'F']],
  ['REIN sets all back', [['TYPE I', '200 Done'], ['MODE B', '200 Done'], ['REIN', '220 Ready']], ['A', 'S', 'F']],
]

for (const [name, steps, expected] of settings) {
  test(`type, mode and structure: ${name}`, async (t) => {
    const { type, transferMode, structure } = await after(t, steps)
    t.deepEqual([type, transferMode, structure], [...expected])
  })
}

test('REST applies to the next transfer', async (t) => {
  t.is((await after(t, [['REST 1234', '350 Restarting']])).restartOffset, 1234)
})

test('REST is forgotten by any other command but the ones that prepare the data connection', async (t) => {
  t.is((await after(t, [['REST 1234', '350 Restarting'], ['NOOP', '200 Fine']])).restartOffset, 0)
})

test('a refused REST is none', async (t) => {
  t.is((await after(t, [['REST 1234', '501 No']])).restartOffset, 0)
})

test('the size that SIZE told', async (t) => {
  t.is((await after(t, [['SIZE /f', '213 5']])).sizeTold, 5)
})

test('the size of another file is not this one\'s', async (t) => {
  t.is((await after(t, [['SIZE /g', '213 77']])).sizeTold, null)
})

test('the size that the 150 told', async (t) => {
  t.is((await after(t, [], '150 Opening BINARY mode data connection for /f (4711 bytes).')).sizeTold, 4711)
})

test('an empty file\'s size is told too', async (t) => {
  t.is((await after(t, [], '150 Opening BINARY mode data connection for /f (0 bytes).')).sizeTold, 0)
})
