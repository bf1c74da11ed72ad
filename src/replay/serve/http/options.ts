import { reasonOf, WiretapeError } from '../../../error.js'
import { routeMatcher } from '../../../plugins/matching.js'
import { readMatchRules } from './match-rules.js'
import { readOnMiss } from './on-miss.js'
import type { HttpServeSettings } from './settings.js'

/** Rules for some paths alone. */
export interface ServeRoute {
  /** Only where the path begins so; `*` stands for anything but a slash. */
  readonly path: string
  readonly match?: readonly string[]
  readonly ignore?: readonly string[]
}

/** How requests find their recorded answers. */
export interface HttpServeOptions {
  /** Fields of a request that have to be as recorded: `method`, `path`, `query`, `body` (these four where it is absent), `host`, `header:NAME`. */
  readonly match?: readonly string[]
  /** What of them needn't be: `query:NAME`, `form:NAME`, `json:$.path`, or a field. */
  readonly ignore?: readonly string[]
  /** Other rules for some paths; the first that fits is taken. */
  readonly routes?: readonly ServeRoute[]
  /** What is made new in answers: `date`, `cookies` (their `Expires` is moved on by as much time as has passed). Nothing where absent. */
  readonly refresh?: readonly ('date' | 'cookies')[]
  /** `fail` (the default) answers 502; `forward=URL` asks the live server; `record=URL` also adds what it answers to the recording. */
  readonly onMiss?: string
}

/** @throws WiretapeError `usage`. */
export function readHttpServeOptions({ match, ignore, routes = [], refresh = [], onMiss = 'fail' }: HttpServeOptions): HttpServeSettings {
  const forAll = readMatchRules(match, ignore)
  for (const route of routes) {
    for (const name of Object.keys(route)) if (!['path', 'match', 'ignore'].includes(name)) throw new WiretapeError('usage', `routes: there is no ${name}: a route has path, match and ignore`)
  }
  const own = routes.map(({ path, ...rules }) => ({
    matches: matcherOf(path), rules: readMatchRules(rules.match ?? match, [...rules.match === undefined ? ignore ?? [] : [], ...rules.ignore ?? []], `route ${path}: `),
  }))
  for (const one of refresh as readonly string[]) if (one !== 'date' && one !== 'cookies') throw new WiretapeError('usage', `--refresh ${one}: expected date or cookies`)
  return {
    rulesFor: (path) => own.find(({ matches }) => matches(path))?.rules ?? forAll,
    refresh: { date: refresh.includes('date'), cookies: refresh.includes('cookies') },
    onMiss: readOnMiss(onMiss),
  }
}

function matcherOf(path: string): (path: string) => boolean {
  try {
    return routeMatcher(path)
  } catch (cause) {
    throw new WiretapeError('usage', `routes: ${reasonOf(cause)}`, { cause })
  }
}
