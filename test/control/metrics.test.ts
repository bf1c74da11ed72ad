import test from 'ava'
import { connectTo, echoServer } from '../real/peer.js'
import { until } from '../real/deadline.js'
import { controlled } from './controlling.js'

/** The text format that Prometheus reads, each line of which is known. @returns values by name and labels. */
function readMetrics(text: string): Map<string, number> {
  const values = new Map<string, number>()
  const typed = new Set<string>()
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\w+) (counter|gauge)$/.exec(line)
    if (type !== null) typed.add(type[1]!)
    if (line === '' || line.startsWith('# ')) continue
    const sample = /^(\w+)(\{(?:\w+="(?:[^"\\\n]|\\[\\n"])*"(?:,|(?=\})))*\})? ([\d.e+]+)$/.exec(line)
    if (sample === null || !typed.has(sample[1]!)) throw new Error(`no sample: ${line}`)
    values.set(`${sample[1]}${sample[2] ?? ''}`, Number(sample[3]))
  }
  return values
}

test('what was carried and done is counted, by relay', async (t) => {
  const echo = await echoServer(t)
  const { ask, relay } = await controlled(t)
  await ask('POST', '/proxies', { name: 'e"\\\n', upstream: `127.0.0.1:${echo}` })
  await ask('POST', '/proxies', { name: 'quiet', upstream: 'x:1', enabled: false, listen: 'localhost:0' })
  await ask('POST', '/proxies/quiet/toxics', { type: 'latency' })
  await ask('POST', '/wiretape/v1/relays', { protocol: 'udp', target: `127.0.0.1:${echo}`, name: 'u' })
  const ended = await connectTo(t, relay.port)
  t.is((await ended.write('abc').finish().rest()).toString(), 'abc')
  await until(() => relay.connections().length === 0, 'the first to end')
  const peer = await connectTo(t, relay.port)
  t.is((await peer.write('de').take(2)).toString(), 'de')
  await ask('POST', '/wiretape/v1/faults', { plugin: 'limit-data', options: { bytes: 0, direction: 'up' } })
  const { status, type, text } = await ask('GET', '/metrics')
  t.deepEqual([status, type], [200, 'text/plain; version=0.0.4; charset=utf-8'])
  const metrics = readMetrics(text)
  const name = String.raw`e\"\\\n`
  const listener = `127.0.0.1:${relay.port}`
  t.deepEqual(Object.fromEntries([...metrics].filter(([key]) => key.includes(name))), {
    [`wiretape_relay_enabled{relay="${name}",protocol="tcp"}`]: 1,
    [`wiretape_connections_open{relay="${name}",protocol="tcp"}`]: 1,
    [`wiretape_connections_total{relay="${name}",protocol="tcp"}`]: 2,
    [`wiretape_received_bytes_total{relay="${name}",protocol="tcp",direction="up"}`]: 5,
    [`wiretape_received_bytes_total{relay="${name}",protocol="tcp",direction="down"}`]: 5,
    [`toxiproxy_proxy_received_bytes_total{listener="${listener}",proxy="${name}",upstream="127.0.0.1:${echo}",direction="upstream"}`]: 5,
    [`toxiproxy_proxy_received_bytes_total{listener="${listener}",proxy="${name}",upstream="127.0.0.1:${echo}",direction="downstream"}`]: 5,
    [`toxiproxy_proxy_sent_bytes_total{listener="${listener}",proxy="${name}",upstream="127.0.0.1:${echo}",direction="upstream"}`]: 5,
    [`toxiproxy_proxy_sent_bytes_total{listener="${listener}",proxy="${name}",upstream="127.0.0.1:${echo}",direction="downstream"}`]: 5,
  })
  t.is(metrics.get('wiretape_relay_enabled{relay="quiet",protocol="tcp"}'), 0)
  t.is(metrics.get('wiretape_connections_total{relay="u",protocol="udp"}'), 0)
  t.is(metrics.get('wiretape_faults{plugin="latency"}'), 1)
  t.is(metrics.get('wiretape_faults{plugin="limit-data"}'), 1)
  t.is(metrics.get('wiretape_records_total'), 0)
  t.false([...metrics.keys()].some((key) => key.startsWith('toxiproxy_') && key.includes('"u"')))
  await peer.write('f').over()
  await ask('DELETE', '/proxies/quiet')
  const later = readMetrics((await ask('GET', '/metrics')).text)
  t.true(later.get('wiretape_journal_entries_total')! > metrics.get('wiretape_journal_entries_total')!)
  t.false([...later.keys()].some((key) => key.includes('quiet')))
  // The last letter came, and limit-data let none of it go on.
  const total = (what: string): number | undefined => later.get(`toxiproxy_proxy_${what}_bytes_total{listener="${listener}",proxy="${name}",upstream="127.0.0.1:${echo}",direction="upstream"}`)
  t.deepEqual([total('received'), total('sent')], [6, 5])
})
