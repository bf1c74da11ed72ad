import type { TrailersEvent } from '../../protocols/http1/index.js'
import type { Headers } from '../../protocols/http1/index.js'
import { onTrailers } from './http-hooks.js'
import type { Passage } from './passage.js'
import { TrailersState } from './trailers-state.js'

/** Asks the plugins about a trailer section; the direction waits meanwhile. @param done is told the fields to be sent, null where they stay. */
export function askAboutTrailers(passage: Passage, { headers }: TrailersEvent, done: (fields: Headers | null) => void): void {
  const { plugins, place, head, inflow } = passage
  if (!plugins.has(onTrailers)) {
    done(null)
    return
  }
  const state = new TrailersState(head.connection, headers)
  inflow.hold()
  plugins.run(onTrailers, state, (call) => call(state.list, head), (actions) => {
    state.seal()
    // Of all actions, only what `onError: 'cut'` asks for can come.
    if (actions.length > 0) passage.cut('cut for a plugin')
    done(state.changed ? state.list.fields : null)
    inflow.release()
  }, place)
}
