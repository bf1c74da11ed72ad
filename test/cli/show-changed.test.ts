import test from 'ava'
import { respond } from 'wiretape'
import { http, httpOrigin } from '../real/http-origin.js'
import { run } from '../real/program.js'
import { taping } from '../real/relaying.js'
import { wiretape } from './wiretape.js'

test('show has both versions of what plugins changed, and ls finds it', async (t) => {
  const server = await httpOrigin(t, (_request, response) => void response.setHeader('Content-Type', 'text/plain').end('original'))
  const change = http('change', {
    request(request) {
      if (request.path === '/mock') return respond({ status: 404, body: 'made up' })
      request.headers.set('X-Added', 'yes')
      return undefined
    },
    responseBody(body, response) {
      if (response.request.path === '/body') body.text = 'other words'
    },
  })
  const tape = await taping(t, { http: server.target, plugins: [change] })
  const url = `http://127.0.0.1:${tape.port}`
  await run(t, 'curl', ['-s', `${url}/body`, '--next', '-s', `${url}/mock`])
  await tape.recorded()
  const listed = (await wiretape(t, 'ls', tape.path, '--where', 'changed', '--json')).stdout.toString().trim().split('\n').map((line) => JSON.parse(line) as { id: number })
  t.is(listed.length, 2)
  const [body, mock] = listed.map(({ id }) => String(id))
  const shown = (await wiretape(t, 'show', tape.path, body!)).stdout.toString()
  t.regex(shown, /^\+ X-Added: yes$/m)
  t.regex(shown, /^- Connection: |^ {2}Connection: /m)
  t.regex(shown, /original\n\nsent on instead, 11 B:\n.*other words/s)
  t.regex(shown, /change changed: http\.request: changed/)
  t.is((await wiretape(t, 'show', tape.path, body!, '--body', 'response', '--sent')).stdout.toString(), 'other words')
  t.is((await wiretape(t, 'show', tape.path, body!, '--body', 'response')).stdout.toString(), 'original')
  t.regex((await wiretape(t, 'show', tape.path, body!, '--raw', '--sent')).stdout.toString(), /^GET \/body HTTP\/1.1\r\n(?:.|\r\n)*X-Added: yes\r\n\r\nHTTP\/1.1 200 OK/)
  const answered = (await wiretape(t, 'show', tape.path, mock!)).stdout.toString()
  t.regex(answered, /\[this request went no further\]/)
  t.regex(answered, /\[the relay's own: no server said this\]\n\+ HTTP\/1.1 404 Not Found/)
  t.regex(answered, /made up/)
  t.regex(answered, /change answered: http\.request: answered/)
  t.is((await wiretape(t, 'show', tape.path, mock!, '--sent')).code, 2)
})
