import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import test from 'ava'
import { temporaryFolder } from '../real/temporary-folder.js'
import { wiretape } from './wiretape.js'

/** A recording of `wiretape demo`: every protocol. */
const sample = fileURLToPath(new URL('../../../recordings/sample.sqlite', import.meta.url))

test('a recording differs from itself in nothing, whatever the protocol', async (t) => {
  const { code, stdout, stderr } = await wiretape(t, 'diff', sample, sample, '--json')
  t.is(code, 0, stderr)
  const summary = JSON.parse(stdout.toString()) as Record<string, number>
  t.like(summary, { different: 0, failed: 0, onlyA: 0, onlyB: 0, differenceCount: 0 })
  t.true(summary['same']! >= 8, 'HTTP, TCP, UDP, DNS and FTP are all in it')
})

test('one changed answer of each kind is one difference each', async (t) => {
  const other = join(temporaryFolder(t), 'other.sqlite')
  copyFileSync(sample, other)
  const database = new Sqlite(other)
  database.exec(`UPDATE http_exchange_row SET status = 599 WHERE id = (SELECT min(id) FROM http_exchange_row)`)
  database.exec(`UPDATE dns_query SET rcode = 'SERVFAIL' WHERE id = (SELECT min(id) FROM dns_query WHERE rcode IS NOT NULL)`)
  database.exec(`UPDATE ftp_command SET code = 599 WHERE id = (SELECT min(id) FROM ftp_command)`)
  database.exec(`UPDATE segment SET bytes = CAST('X' || substr(CAST(bytes AS TEXT), 2) AS BLOB) WHERE id = (
    SELECT min(s.id) FROM segment s JOIN connection c ON c.id = s.connection_id WHERE c.protocol = 'tcp' AND s.direction = 'down')`)
  database.close()
  const { code, stdout } = await wiretape(t, 'diff', sample, other, '--json')
  t.is(code, 1)
  const found = stdout.toString().trimEnd().split('\n').map((line) => JSON.parse(line) as { type: string, protocol: string, field: string })
  t.deepEqual(found.filter(({ type }) => type === 'difference').map(({ protocol, field }) => `${protocol} ${field}`), ['http status', 'tcp offset 0', 'udp rcode', 'ftp reply'])
})
