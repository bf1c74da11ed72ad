import type { MatchRules } from './match-rules.js'
import type { OnMiss } from './on-miss.js'

/** How recorded HTTP is served. */
export interface HttpServeSettings {
  /** The rules for a path: the first route's that fits, else those for all. */
  readonly rulesFor: (path: string) => MatchRules
  /** What is made new in answers. */
  readonly refresh: { readonly date: boolean, readonly cookies: boolean }
  readonly onMiss: OnMiss
}
