import test from 'ava'
import fc from 'fast-check'
import { layOut } from '../../src/cli/ftp/picture.js'
import { svgPicture } from '../../src/cli/ftp/svg-picture.js'
import { installed } from '../real/installed.js'
import { run } from '../real/program.js'
import { plainDownload, Telling } from './ftp-story.js'

/** Every tag closed, every attribute quoted, no entity but the five: enough of XML to catch text that wasn't escaped. */
function faultIn(svg: string): string | null {
  const open: string[] = []
  const markup = /<(\/?)([a-zA-Z]+)((?:\s+[a-zA-Z0-9:-]+="[^"<]*")*)\s*(\/?)>/y
  for (let at = 0; at < svg.length;) {
    if (svg[at] === '<') {
      markup.lastIndex = at
      const tag = markup.exec(svg)
      if (tag === null) return `no tag: ${svg.slice(at, at + 60)}`
      if (tag[1] === '/') {
        if (open.pop() !== tag[2]) return `</${tag[2]!}> closes something else`
      } else if (tag[4] !== '/') {
        open.push(tag[2]!)
      }
      at = markup.lastIndex
    } else {
      const end = svg.indexOf('<', at) < 0 ? svg.length : svg.indexOf('<', at)
      const text = svg.slice(at, end)
      if (/&(?!(?:amp|lt|gt|quot|#39);)/.test(text) || (text.includes('>') && open.at(-1) !== 'style')) return `raw text: ${text.slice(0, 60)}`
      // oxlint-disable-next-line no-control-regex
      if (/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]|\p{Cs}/u.test(text)) return 'a character that XML has not'
      at = end
    }
  }
  return open.length === 0 ? null : `open at the end: ${open.join()}`
}

function hostileStory(name: string, text: string) {
  const telling = new Telling().greeting(1, `220 ${text}`)
  plainDownload(telling, 2, name)
  telling.command(10, `STOR ${name}`, [11, `550 ${text}`])
  telling.transfer({ path: name, up: true, outcome: 'refused', error: text })
  return telling.story(12, { user: name, outcome: text })
}

test('the checker finds what it is there for', (t) => {
  for (const broken of ['<a>', '<a></b>', '<a x=1/>', '<a>&x</a>', '<a>\u0001</a>', '<a>></a>']) t.not(faultIn(broken), null, broken)
  t.is(faultIn('<a x="1"><b/>&lt;</a>'), null)
})

test('wire text can break neither out of its place nor the file', (t) => {
  const character = fc.constantFrom('a', ' ', '<', '>', '&', '"', '\'', ']]>', '<script>', '\u0000', '\u001b', '\n', '\ufffe', '\uffff', '\ud800', '字', '🙂')
  const text = fc.array(character, { maxLength: 40 }).map((parts) => parts.join(''))
  fc.assert(fc.property(text, text, (name, reply) => {
    const fault = faultIn(svgPicture([layOut(hostileStory(name, reply), true)]))
    if (fault !== null) throw new Error(fault)
  }), { numRuns: 300 })
  t.pass()
})

test('both lanes, the axis and each bar are drawn, with what they are', (t) => {
  const telling = new Telling().greeting(1)
  plainDownload(telling, 2, 'a.bin')
  telling.command(10, 'EPSV', [11, '229 ok (|||7|)'])
  const svg = svgPicture([layOut(telling.story(60), true)])
  t.regex(svg, />control<[^]*>data</)
  t.regex(svg, /<rect class="down"[^>]*><title>↓ \/a\.bin, 3\.0 ms<\/title>/)
  t.regex(svg, /<rect class="down flows"[^>]*><title>/)
  t.regex(svg, /<rect class="unused"[^>]*><title>EPSV: nobody connected/)
  t.regex(svg, /text-anchor="middle">10 ms</)
  t.regex(svg, /<tspan class="text-notable">never used<\/tspan>/)
  t.regex(svg, /RETR a\.bin/)
  // True to scale: the data connection was there for 3 of 60 ms of 1072 pixels.
  t.is(/<rect class="down" x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="4">/.exec(svg)?.[1], '53.6')
})

const withPython = installed('python3') ? test : test.skip
withPython('a real XML parser reads it (python3)', async (t) => {
  const svg = svgPicture([layOut(hostileStory('<&"\'>\u0001\ud800.txt', 'x ]]> <!-- \uffff'), true)])
  const done = await run(t, 'python3', ['-c', 'import sys, xml.dom.minidom as m; print(m.parseString(sys.stdin.buffer.read()).documentElement.tagName)'], svg)
  t.is(done.stdout.toString(), 'svg\n', done.stderr)
})
