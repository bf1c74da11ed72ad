import test from 'ava'
import fc from 'fast-check'
import { ScriptedServer, scripted } from './scripted.js'
import type { Told } from './scripted.js'

test('a script is gone through turn by turn, its end included', async (t) => {
  const server = new ScriptedServer(scripted(['> GET a\n', '< 1', '< 2\n', '> QUIT\n', '< bye\n', 'close']))
  const client = server.client()
  t.is(await client.says('GET a\n'), '12\n')
  t.is(await client.says('QUIT\n'), 'bye\n[close]')
})

test('what belongs to later turns may come early', async (t) => {
  const server = new ScriptedServer(scripted(['> a\n', '< 1\n', '> b\n', '< 2\n', '> c\n', '< 3\n']))
  const client = server.client()
  t.is(await client.says('a\nb\nc'), '1\n2\n')
  t.is(await client.says('\n'), '3\n')
  t.is(await client.leaves(), '[close]')
})

test('a server that speaks first does, and greetings that differ come in their recorded order', async (t) => {
  const told = (name: string, answer: string): Told => [`< hello ${name}\n`, '> ask\n', `< ${answer}\n`]
  const server = new ScriptedServer(scripted(told('a', '1'), told('b', '2'), told('a', '3')))
  for (const [greeting, answer] of [['a', '1'], ['b', '2'], ['a', '3'], ['a', '3']]) {
    const client = server.client()
    t.is(await client.says(''), `hello ${greeting}\n`)
    t.is(await client.says('ask\n'), `${answer}\n`)
  }
})

test('who was given the answer of one connection may go on as the client of another that said the same until then', async (t) => {
  const told = (id: string, ...turns: readonly string[]): Told => ['> hi\n', `< you are ${id}\n`, ...turns]
  const scripts = scripted(told('1', '> GET a\n', '< A\n', '> GET c\n', '< C\n'), told('22', '> GET b\n', '< B\n', 'close'), told('333', '> GET a\n', '< A\n', '> GET d\n', '< D\n'))
  const server = new ScriptedServer(scripts)
  for (let round = 0; round < 3; round++) {
    const [first, second, third] = [server.client(), server.client(), server.client()]
    t.is(await first.says('hi\n'), round === 0 ? 'you are 1\n' : 'you are 333\n')
    t.is(await second.says('hi\n'), round === 0 ? 'you are 22\n' : 'you are 333\n')
    t.is(await third.says('hi\n'), 'you are 333\n')
    t.is(await first.says('GET b\n'), 'B\n[close]')
    t.is(await second.says(...'GET a\nGET d\n'.split('')), 'A\nD\n')
    t.is(await third.says('GET a\nGET c\n'), 'A\nC\n')
    t.is(await third.says('GET c\n'), '[diverged]')
    t.like(third.over, { offset: 15, script: 0 })
  }
  const once = new ScriptedServer(scripts, { after: 'miss' }).client()
  t.is(await once.says('hi\n', 'GET b\n'), 'you are 1\n[diverged]')
})

test('where the server answered in other places, nobody goes on', async (t) => {
  const server = new ScriptedServer(scripted(['> ab', '< 1'], ['> abcd', '< 2'], ['> a', '< 0', '> bcd', '< 3']))
  t.is(await server.client().says('a'), '0')
  t.is(await server.client().says('abcd'), '03')
  const other = new ScriptedServer(scripted(['> ab', '< 1'], ['> abcd', '< 2'])).client()
  t.is(await other.says('ab', 'cd'), '1[diverged]')
})

test('connections are told apart by what comes first, and by what comes later where they begin alike', async (t) => {
  const server = new ScriptedServer(scripted(
    ['> HELLO\n', '< ok\n', '> GET a\n', '< A\n'], ['> PING\n', '< PONG\n', 'close'], ['> HELLO\n', '< ok\n', '> GET b\n', '< B\n'],
  ))
  const [b, ping, a] = [server.client(), server.client(), server.client()]
  t.is(await b.says('HELLO\n'), 'ok\n')
  t.is(await ping.says('PING\n'), 'PONG\n[close]')
  t.is(await a.says('HELLO\n', 'GET '), 'ok\n')
  t.is(await b.says('GET b\n'), 'B\n')
  t.is(await a.says('a\n'), 'A\n')
})

for (const [after, fourth] of [['repeat', 'three'], ['cycle', 'one'], ['miss', '[exhausted]']] as const) {
  test(`equal questions get the recorded answers in their order; after the last: ${after}`, async (t) => {
    const server = new ScriptedServer(scripted(['> q\n', '< one', 'close'], ['> q\n', '< two', 'close'], ['> q\n', '< three', 'close']), { after })
    for (const answer of ['one', 'two', 'three']) t.is(await server.client().says('q\n'), `${answer}[close]`)
    t.is((await server.client().says('q\n')).replace('[close]', ''), fourth)
  })
}

test('one connection alone is exhausted too, but not by a client that said something else', async (t) => {
  const server = new ScriptedServer(scripted(['> question\n', '< answer\n']), { after: 'miss' })
  t.is(await server.client().says('quest', 'x'), '[diverged]')
  t.is(await server.client().says('question\n'), 'answer\n')
  t.is(await server.client().says('question\n'), '[exhausted]')
})

test('an answer that begins another is given whole, and no more', async (t) => {
  const server = new ScriptedServer(scripted(['> q\n', '< x', 'close'], ['> q\n', '< xy', 'close'], ['> q\n', '< x', 'reset']))
  t.is(await server.client().says('q\n'), 'x[close]')
  t.is(await server.client().says('q\n'), 'xy[close]')
  t.is(await server.client().says('q\n'), 'x[reset]')
})

test('the same words in other turns: neither recorded connection keeps a client from the other', async (t) => {
  const server = new ScriptedServer(scripted(
    ['> SET a\n', '< OK\n', '> GET a\n', '< 1\n'], ['> SET a\n', '> GET b\n', '< OK\n', '< 2\n'],
  ))
  const [one, other] = [server.client(), server.client()]
  t.is(await other.says('SET a\nGET b\n'), 'OK\n2\n')
  t.is(await one.says('SET a\n'), 'OK\n')
  t.is(await one.says('GET a\n'), '1\n')
})

test('divergence tells the first byte that differs, in the client\'s stream, and both sides from there', async (t) => {
  const server = new ScriptedServer(scripted(['> one\n', '< 1\n', '> two\n', '< 2\n'], ['> other\n', '< 0\n']))
  const client = server.client()
  t.is(await client.says('one\n'), '1\n')
  t.is(await client.says('tX', 'o\n'), '[diverged]')
  t.like(client.over, { kind: 'diverged', offset: 5, script: 0, came: Buffer.from('X'), recorded: Buffer.from('wo\n') })
  const stranger = server.client()
  await stranger.says('hey')
  t.like(stranger.over, { kind: 'diverged', offset: 0, came: Buffer.from('hey'), recorded: Buffer.from('one\n') })
  const talker = server.client()
  await talker.says('other\n', 'more')
  t.like(talker.over, { kind: 'diverged', offset: 6, script: 1, came: Buffer.from('more'), recorded: null })
})

test('what was answered after the client had closed its side is answered then too, and a server that only listens hears all', async (t) => {
  const server = new ScriptedServer(scripted(['> data', '< result'], ['> log 1\n', '> log 2\n']))
  const client = server.client()
  t.is(await client.says('data') + await client.leaves(), 'result[close]')
  const logger = server.client()
  t.is(await logger.says('log 1\nlog 2\n') + await logger.leaves(), '[close]')
})

test('a client that leaves early, or says nothing, is let go', async (t) => {
  const server = new ScriptedServer(scripted(['> question\n', '< answer\n'], []))
  const client = server.client()
  t.is(await client.says('quest') + await client.leaves(), '[close]')
  t.is(await server.client().leaves(), '[close]')
})

test('nothing recorded: said so at once', async (t) => {
  t.is(await new ScriptedServer(scripted()).client().says('x'), '[unknown]')
})

test('by prefix: the first 16 bytes of a turn count, and a pause ends one that is shorter than recorded', async (t) => {
  const server = new ScriptedServer(scripted(
    ['> INSERT INTO logs AT 2026-01-01 10:00\n', '< 1 row\n', '> COMMIT TRANSACTION 12345\n', '< done\n'], ['> SELECT * FROM logs\n', '< none\n'],
  ), { match: 'prefix' })
  const client = server.client()
  t.is(await client.says('INSERT INTO logs AT 2027-12-31 23:', '59\n'), '1 row\n')
  t.is(await client.says('COMMIT TRANSACTION 7\n'), '')
  t.is(await client.pauses(), 'done\n')
  t.is(await server.client().says('SELECT * FROM logX\n'), 'none\n')
  t.is(await server.client().says('DELETE'), '[diverged]')
})

test('by turn: any bytes do, in the recorded order, also more than recorded', async (t) => {
  const server = new ScriptedServer(scripted(['> abc', '< 1', '> defgh', '< 2'], ['> abc', '< 3', 'close']), { match: 'turn' })
  const client = server.client()
  t.is(await client.says('xy'), '')
  t.is(await client.says('z and'), '1')
  t.is(await client.says('12345'), '2')
  t.is(await server.client().says('...'), '3[close]')
})

test('conversations are told apart within their first 256 KiB', async (t) => {
  const long = `> ${'x'.repeat(300_000)}`
  const server = new ScriptedServer(scripted([long, '> a', '< 1'], [long, '> b', '< 2']))
  t.is(await server.client().says(long.slice(2), 'a'), '1')
  t.is(await server.client().says(long.slice(2), 'b'), '2', 'the second in the recorded order')
  t.is(await server.client().says(long.slice(2), 'a'), '[diverged]', 'the second again')
})

for (const end of ['close', 'reset', 'stopped', 'refused']) {
  test(`a recorded connection that ended before its client said anything (${end}) keeps nobody from the others`, async (t) => {
    for (const match of ['exact', 'prefix', 'turn'] as const) {
      const server = new ScriptedServer(scripted([end], ['> q\n', '< 1\n'], ['> q\n', '< 2\n']), { match })
      for (const answer of ['1\n', '2\n', '2\n']) {
        const client = server.client()
        t.is(await client.says(''), '')
        t.is(await client.says('q\n'), answer, match)
      }
      t.is(await server.client().leaves(), '[close]')
      const alone = new ScriptedServer(scripted([end], [end]), { match })
      for (let round = 0; round < 3; round++) t.is(await alone.client().says(''), end === 'close' || end === 'stopped' ? '[close]' : '[reset]')
    }
  })
}

test('an end that nothing else is there for happens once the client says something, where others left in silence', async (t) => {
  const server = new ScriptedServer(scripted([], ['refused']))
  const client = server.client()
  t.is(await client.says(''), '')
  t.is(await client.says('x'), '[reset]')
})

test('a greeting after which a silent client was closed, and the same with more to come', async (t) => {
  const server = new ScriptedServer(scripted(['< hello\n', 'close'], ['< hello\n', '> q\n', '< 1\n']))
  for (let round = 0; round < 3; round++) {
    const client = server.client()
    t.is(await client.says(''), 'hello\n')
    t.is(await client.says('q\n'), '1\n')
  }
})

test('a connection that was idle when recording ended takes nobody away from one that goes on', async (t) => {
  const [full, idle] = [['> hello\n', '< ok\n', '> work\n', '< done\n'], ['> hello\n', '< ok\n', 'stopped']]
  for (const all of [[full, idle], [idle, full], [idle, idle, full]]) {
    const server = new ScriptedServer(scripted(...all))
    for (let round = 0; round < 4; round++) {
      const client = server.client()
      t.is(await client.says('hello\n'), 'ok\n')
      t.is(await client.says('work\n'), 'done\n')
    }
  }
  t.is(await new ScriptedServer(scripted(idle, idle)).client().says('hello\n'), 'ok\n[close]')
  const cut = new ScriptedServer(scripted(['> hello\n', '< o', 'stopped'], full))
  t.is(await cut.client().says('hello\n', 'work\n'), 'ok\ndone\n', 'nor one that was cut in an answer')
})

test('a client that only connects uses nothing up', async (t) => {
  const probe = async (server: ScriptedServer): Promise<string> => {
    const client = server.client()
    const got = await client.says('') + (client.over === null ? await client.leaves() : '')
    client.conversation.leave()
    return got
  }
  for (const match of ['exact', 'prefix', 'turn'] as const) {
    const server = new ScriptedServer(scripted(['> one\n', '< 1\n'], ['> two\n', '< 2\n']), { match, after: 'miss' })
    const idle = server.client()
    t.is(await idle.says(''), '')
    t.is(await probe(server), '[close]')
    for (const [says, gets] of [['one\n', '1\n'], ['two\n', '2\n']]) t.is(await server.client().says(says!), gets!)
    const greeting = new ScriptedServer(scripted(['< a\n', '> one\n', '< 1\n'], ['< b\n', '> two\n', '< 2\n']), { match, after: 'miss' })
    t.is(await probe(greeting), 'a\n[close]')
    for (const [says, gets] of [['one\n', 'a\n1\n'], ['two\n', 'b\n2\n']]) t.is(await greeting.client().says(says!), gets!, match)
    t.is(await greeting.client().says(''), '[exhausted]')
    const alone = new ScriptedServer(scripted(['< a\n', '> one\n', '< 1\n']), { match, after: 'miss' })
    t.is(await probe(alone), 'a\n[close]')
    t.is(await alone.client().says('one\n'), 'a\n1\n')
    const time = new ScriptedServer(scripted(['< 10:00', 'close'], ['< 10:01', 'close']), { match })
    t.is(await probe(time), '10:00[close]')
    t.is(await probe(time), '10:01[close]', 'which is all there was to it')
  }
})

test('by prefix: a pause ends a short first turn where several connections agree with it', async (t) => {
  const told = (answer: string): Told => ['> SET key aaaaaaaaaaaaaaa\n', `< ${answer}\n`, '> GET\n', '< value\n']
  const server = new ScriptedServer(scripted(told('1'), told('2')), { match: 'prefix' })
  for (const [says, answer] of [['SET key a', '1\n'], ['SET key aaaaaaaaa', '2\n']]) {
    const client = server.client()
    t.false(client.conversation.inTurn)
    t.is(await client.says(says!), '')
    t.true(client.conversation.inTurn)
    t.is(await client.pauses(), answer!)
    t.is(await client.pauses(), '', 'the next turn has not begun')
    t.is(await client.says('GET\n'), 'value\n')
  }
})

test('by prefix: what is more than recorded belongs to the turn, unless it begins as the next one does', async (t) => {
  const told = ['> SET key aaaaaaaaaaaaaaa\n', '< ok\n', '> GET\n', '< value\n']
  for (const all of [[told], [told, told]]) {
    const server = new ScriptedServer(scripted(...all), { match: 'prefix' })
    const client = server.client()
    t.is(await client.says('SET key aaaaaaaaaaaaaaabbbbb\n'), 'ok\n')
    t.is(await client.says('GET\n'), 'value\n')
    t.is(await server.client().says('SET key aaaaaaaaaaaaaaa\nGE', 'T\n'), 'ok\nvalue\n')
  }
  const short = new ScriptedServer(scripted(['> SET\n', '< ok\n', '> GET\n', '< 1\n'], ['> SET\n', '< ok\n', '> GET\n', '< 2\n']), { match: 'prefix' }).client()
  t.is(await short.says('SET\nand more\n'), 'ok\n')
  t.is(await short.pauses(), '')
  t.is(await short.says('GET\n'), '1\n')
})

const word = fc.stringMatching(/^[ab]{1,4}$/)
const conversation = fc.array(fc.record({ says: word, gets: word, isTwo: fc.boolean() }), { minLength: 1, maxLength: 4 }).map((turns) =>
  turns.flatMap(({ says, gets, isTwo }) => isTwo ? [`> ${says}`, `> ${says}`, `< ${gets}`, `< ${gets}`] : [`> ${says}`, `< ${gets}`]))

test('any split of a client\'s bytes gives the same answers, whatever else was recorded', async (t) => {
  await fc.assert(fc.asyncProperty(fc.array(conversation, { minLength: 1, maxLength: 6 }), fc.nat(), fc.array(fc.nat(8), { maxLength: 20 }), async (told, which, cuts) => {
    const words = told[which % told.length]!.filter((line) => line.startsWith('> ')).map((line) => line.slice(2)).join('')
    const whole = new ScriptedServer(scripted(...told)).client()
    const expected = [await whole.says(words), whole.over?.kind === 'diverged' ? whole.over.offset : null]
    const pieces: string[] = []
    let rest = words
    for (const cut of cuts) {
      pieces.push(rest.slice(0, cut))
      rest = rest.slice(cut)
    }
    const split = new ScriptedServer(scripted(...told)).client()
    t.deepEqual([await split.says(...pieces, rest), split.over?.kind === 'diverged' ? split.over.offset : null], expected)
    const single = new ScriptedServer(scripted(...told)).client()
    t.deepEqual([await single.says(...words.split('')), single.over?.kind === 'diverged' ? single.over.offset : null], expected)
  }), { numRuns: 500 })
})

test('where no turn begins another, every recorded client gets what it got, in the recorded order', async (t) => {
  const line = fc.stringMatching(/^[abc]{1,2}$/).map((text) => `${text}\n`)
  const lines = fc.array(fc.record({ says: line, gets: line }), { minLength: 1, maxLength: 4 })
  await fc.assert(fc.asyncProperty(fc.array(lines, { minLength: 1, maxLength: 8 }), async (told) => {
    const server = new ScriptedServer(scripted(...told.map((turns) => turns.flatMap(({ says, gets }) => [`> ${says}`, `< ${gets}`]))), { after: 'miss' })
    for (const turns of told) {
      const client = server.client()
      const got: string[] = []
      for (const { says } of turns) got.push(await client.says(says))
      t.deepEqual(got, turns.map(({ gets }) => gets))
    }
  }), { numRuns: 300 })
})
