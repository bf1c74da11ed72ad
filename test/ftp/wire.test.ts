import test from 'ava'
import { randomPieces, seeded } from '../real/chunking.js'
import { peerServer } from '../real/peer.js'
import type { Peer } from '../real/peer.js'
import { bytesOf } from '../real/relaying.js'
import { controlPair, sixNumbers } from './control-pair.js'

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`cut anywhere, the control streams are recorded as they came and as they went on (seed ${seed})`, async (t) => {
    const random = seeded(seed)
    const pair = await controlPair(t)
    const listening = await peerServer(t)
    const steps: readonly (readonly [command: string, reply: string])[] = Array.from({ length: 4 }, () => [
      ['USER someone\r\n', '331 Password\r\n'],
      ['PASS hush\r\n', '230-Welcome\r\n 230 not yet\r\n230 In\r\n'],
      ['PASV\r\n', `227 Entering Passive Mode (${sixNumbers(pair.data.port)}).\r\n`],
      ['DELE gr\xfc\xdf\xff\xff\r\n', '550 gr\xfc\xdf\n'],
      [`PORT ${sixNumbers(listening.port)}\r\n`, '200 Fine\r\n'],
      ['EPSV\r\n', `229-More:\r\n229 (|||${pair.data.port}|)\r\n`],
      ['PORT 10,9,8,7,100,1\r\n', '200 NOOP ok\r\n'],
      ['FEAT\r\n', '211-Features\r\n MDTM\r\n211 End\r\n'],
    ] as const).flat()
    const all = { up: '', down: '', arrivedUp: '', arrivedDown: '220 ready\r\n' }
    const write = async (peer: Peer, text: string): Promise<void> => {
      for (const piece of randomPieces(Buffer.from(text, 'latin1'), random)) {
        peer.write(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    for (const [command, reply] of steps) {
      all.up += command
      all.down += reply
      await write(pair.client, command)
      all.arrivedUp += await pair.server.through('\n')
      await write(pair.server, reply)
      for (let line = ''; !/^\d{3} /.test(line);) {
        line = await pair.client.through('\n')
        all.arrivedDown += line
      }
    }
    const recording = await pair.over()
    const control = [...recording.connections({ where: 'role is null' })][0]!
    const masked = (text: string): string => text.replaceAll('PASS hush', 'PASS ****')
    const recorded = async (direction: 'up' | 'down', leg: 'received' | 'sent'): Promise<string> =>
      (await bytesOf(recording.stream(control.id, direction, leg))).toString('latin1')
    t.is(await recorded('up', 'received'), masked(all.up))
    t.is(await recorded('down', 'received'), `220 ready\r\n${all.down}`)
    t.is(await recorded('up', 'sent'), masked(all.arrivedUp))
    t.is(await recorded('down', 'sent'), all.arrivedDown)
    t.not(all.arrivedUp, all.up)
    t.deepEqual([...recording.ftpCommands()].map(({ code }) => code), Array.from({ length: 4 }, () => [331, 230, 227, 550, 200, 229, 500, 211]).flat())
    t.deepEqual([...recording.ftpCommands({ where: 'changed = 1' })].map(({ argument }) => argument), Array(4).fill('10,9,8,7,100,1'))
  })
}
