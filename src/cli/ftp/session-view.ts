import { colour as pc } from '../colour.js'
import { printableLine, printableText } from '../escape.js'
import { formatTime } from '../units.js'
import { layOut } from './picture.js'
import { headingOf, verdictOf } from './words.js'
import type { FtpStory } from './story.js'

/** A session in short; `wiretape ftp` draws it. */
export function* sessionView(story: FtpStory): Generator<string> {
  const { session, transfers, events } = story
  yield pc.dim(`${headingOf(story)} · ${formatTime(session.started)} · ${printableLine(session.outcome ?? 'open')}`)
  if (session.tls) yield pc.yellow('encrypted after AUTH: what followed can\'t be read')
  yield verdictOf(layOut(story, true)).map(({ text }) => text).join(' · ')
  yield ''
  const facts: readonly (readonly [string, string | null])[] = [
    ['greeting', session.greeting], ['system', session.system], ['features', session.features.length === 0 ? null : session.features.join('\n')],
  ]
  for (const [name, value] of facts) {
    if (value === null) continue
    for (const [index, line] of printableText(value).split('\n').entries()) yield `${(index === 0 ? name : '').padEnd(9)} ${line}`
  }
  for (const { id, outcome, error } of transfers) {
    if (error !== null) yield pc.red(printableLine(`transfer ${id} ${outcome}: ${error}`))
  }
  for (const { time, source, kind, text } of events) yield pc.yellow(`${formatTime(time)} ${source} ${kind}: ${printableLine(text)}`)
  yield pc.dim(`the picture: wiretape ftp ${session.id}`)
}
