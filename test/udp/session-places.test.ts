import test from 'ava'
import fc from 'fast-check'
import type { UdpSession } from '../../src/relay/udp/session.js'
import { Sessions } from '../../src/relay/udp/sessions.js'

const hosts = ['192.0.2.1', '192.0.2.2', '2001:db8::1'] as const
const step = fc.record({ host: fc.constantFrom(...hosts), port: fc.integer({ min: 1, max: 4 }), what: fc.constantFrom('come', 'come', 'come', 'end', 'retire') })

test('sessions are found by host and port, and stand in line by their last use, whatever came before', (t) => {
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const sessions = new Sessions()
    // A Map in which what is used moves to the end: the same, said simply.
    const line = new Map<string, UdpSession>()
    for (const { host, port, what } of steps) {
      const key = `${host} ${port}`
      const place = sessions.find(host, port)
      t.is(place?.session, line.get(key))
      if (what === 'retire') {
        t.is(sessions.longestIdle, line.values().next().value ?? null)
      } else if (place === undefined) {
        if (what === 'end') continue
        const session = { key } as unknown as UdpSession
        sessions.add({ host, port }, session)
        line.set(key, session)
      } else {
        line.delete(key)
        if (what === 'end') {
          sessions.remove(place)
          sessions.remove(place)
        } else {
          sessions.used(place)
          line.set(key, place.session)
        }
      }
      t.is(sessions.size, line.size)
      t.deepEqual([...sessions], [...line.values()])
    }
  }))
})
