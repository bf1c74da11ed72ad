import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { recordedHttp } from '../replay/served.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { startWiretape, wiretape } from './wiretape.js'

const asking = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/books?page=1`)).text()

test('serve stands in until it is stopped, tells of what was missing, and is strict about it where asked', async (t) => {
  const { path, target, result } = await recordedHttp(t, (_, response) => response.end('recorded'), asking)
  for (const strict of [false, true]) {
    const serving = startWiretape(t, 'serve', path, '--http', '0', ...strict ? ['--strict'] : [])
    const [, port, whom] = await serving.lines.next(/^http http:\/\/127\.0\.0\.1:(\d+) stands in for (.*)$/)
    t.is(whom, target)
    t.is(await asking(Number(port)), result)
    t.is((await fetch(`http://127.0.0.1:${port}/books?page=%1b[31m`)).status, 502)
    serving.signal('SIGINT')
    t.is((await serving.ended).code, strict ? 1 : 0)
    t.regex(serving.stderr(), /^miss: no recorded request matches GET \/books\?page=%1b\[31m: the closest is exchange \d+, GET \/books\?page=1$/m)
    t.regex(serving.stderr(), /^ {2}query page: "%1b\[31m" came, "1" is recorded$/m)
    t.regex(serving.stderr(), /^1 answer given, 1 had no recorded answer$/m)
  }
})

test('serve --json; routes from a config file', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('recorded'), asking)
  const config = join(temporaryFolder(t), 'serve.json')
  writeFileSync(config, JSON.stringify({ serve: { http: '0', routes: [{ path: '/books', ignore: ['query'] }] } }))
  const serving = startWiretape(t, 'serve', path, '--config', config, '--json')
  const { port, protocol } = JSON.parse((await serving.lines.next(/^.*"listening".*$/))[0]) as { port: number, protocol: string }
  t.is(protocol, 'http')
  t.is(await (await fetch(`http://127.0.0.1:${port}/books?page=7`)).text(), 'recorded')
})

test('serve: what can\'t be is one line, and exit code 2', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('recorded'), asking)
  for (const [args, message] of [
    [['--tcp', '0'], /^wiretape: --tcp 0: .* has no tcp, only http\n$/],
    [[], /^wiretape: nothing to serve: name at least one listener, such as --http 0\n$/],
    [['--http', '0', '--after', 'never'], /after/],
    [['--http', '0', '--match', 'x'], /^wiretape: --match x: expected method, path, query, body, host, header:NAME\n$/],
  ] as const) {
    const { code, stderr } = await wiretape(t, 'serve', path, ...args)
    t.deepEqual([code, message.test(stderr)], [2, true], stderr)
  }
  const { code, stderr } = await wiretape(t, 'serve', join(temporaryFolder(t), 'none.sqlite'), '--http', '0')
  t.is(code, 2)
  t.regex(stderr, /^wiretape: there is no /)
})
