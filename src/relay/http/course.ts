import type { Passage } from './passage.js'
import { Holding, tellTooLarge } from './holding.js'
import { Passing } from './passing.js'
import { Transforming } from './transforming.js'

/**
 * Sends a message on its way, once the hooks of its head have said what they want: its body goes on as it comes, or through streams, or
 * waits with the head until it is whole.
 */
export function sendOn(passage: Passage): void {
  const { framing, head, plugins, bodyHook, streaming } = passage
  const { uses } = head.transforms
  head.transforms.close()
  const hasBody = framing.kind !== 'none' && framing.kind !== 'unknown'
  if (hasBody && (plugins.has(bodyHook) || (uses.length > 0 && streaming === null))) {
    const limit = plugins.members
      .filter((member) => bodyHook.of(member.hooks) !== undefined || uses.some((use) => use.member === member))
      .reduce((most, { bodyLimit }) => Math.max(most, bodyLimit), 0)
    if (framing.kind !== 'length' || framing.length <= limit) {
      passage.take(new Holding(passage, limit))
      passage.held()
      return
    }
    tellTooLarge(passage, `${framing.length} bytes`)
  }
  passage.ready(() => {
    const transforms = hasBody && uses.length > 0 && streaming !== null
    passage.sendHead(transforms ? { kind: streaming } : null)
    passage.take(transforms ? new Transforming(passage) : new Passing(passage))
  })
}
