import test from 'ava'
import { address, hasPostgres, postgresServer } from '../real/postgres.js'
import { run } from '../real/program.js'
import { opening, taping } from '../real/relaying.js'
import { serving } from './serving-bytes.js'

const withPostgres = hasPostgres ? test : test.skip

const statements = `
CREATE TABLE book (id serial PRIMARY KEY, title text NOT NULL, price numeric(6, 2));
INSERT INTO book (title, price) VALUES ('Dune', 9.99), ('Hyperion', 7.5), ('naïve ☃', NULL) RETURNING *;
SELECT * FROM nowhere;
BEGIN; UPDATE book SET price = price * 2; SELECT sum(price) FROM book; ROLLBACK;
SELECT sum(price), now() > '2020-01-01' AS late, pg_backend_pid() > 0 AS alive, now() FROM book;
COPY book TO STDOUT;
COPY book (title) FROM STDIN;
copied
\\.
SELECT g, repeat('x', 500) FROM generate_series(1, 1000) g;
\\d book
\\dt
`

withPostgres('psql says the same and has the same output when PostgreSQL is gone; a login by a fresh nonce is reported and doesn\'t hang', async (t) => {
  const postgres = await postgresServer(t)
  const tape = await taping(t, { tcp: `0=127.0.0.1:${postgres.port}` })
  const psql = async (user: 'open' | 'md5' | 'scram', port: number, input: string): Promise<string> => {
    const { code, stdout, stderr } = await run(t, 'psql', [...address(user, port), '-a'], input)
    return `${code}\n${stdout.toString()}\n${stderr.replaceAll(/port \d+/g, 'port')}`
  }
  const all = async (port: number): Promise<string[]> => [
    await psql('open', port, statements), await psql('open', port, 'SELECT count(*) FROM book;\n'), await psql('md5', port, 'SELECT current_user;\n'),
  ]
  const told = await all(tape.port)
  t.regex(told[0]!, /^0\n[^]*9\.99[^]*naïve ☃[^]*ROLLBACK[^]*x{500}[^]*"book_pkey" PRIMARY KEY[^]*relation "nowhere" does not exist/)
  t.regex(told[1]!, /\n +4\n/)
  t.regex(told[2]!, /^0\n[^]*md5\n/)
  t.regex(await psql('scram', tape.port, 'SELECT current_user;\n'), /^0\n[^]*scram\n/)
  await tape.relay.stop()
  await postgres.stop()
  const scram = [...opening(t, tape.path).connections()].at(-1)

  const server = await serving(t, tape.path, { tcp: 0 })
  for (let round = 0; round < 2; round++) {
    // What differs would fill the screen.
    const again = await all(server.port)
    for (const [index, output] of again.entries()) t.true(output === told[index], `${index}, ${round}: ${output.slice(0, 500)}`)
  }
  t.deepEqual(server.misses, [])

  t.regex(await psql('scram', server.port, 'SELECT current_user;\n'), /^2\n/)
  t.is(server.missed, 1)
  t.like(server.misses[0], { kind: 'diverged', closest: scram!.id })
})
