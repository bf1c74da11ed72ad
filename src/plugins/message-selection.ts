import type { OptionValues } from './definition.js'
import type { Hooks } from './hooks.js'
import { directionMatcher, directionOption, requestMatcher, requestOptions, responseMatcher } from './matching.js'
import type { HttpRequest, HttpResponse, WireStage } from './messages.js'
import { picker, selection } from './selection.js'

/** The options by which a plugin that works on HTTP messages as they leave picks them: spread into its own. */
export const messageSelection = {
  direction: { ...directionOption.direction, default: 'down', description: 'Responses (down), requests (up), or both; each is counted, and drawn for, by itself.' },
  ...selection,
  ...requestOptions,
} as const

export interface MessageSelectionContext {
  readonly options: OptionValues<typeof messageSelection>
  readonly random: (sequence?: string) => number
  readonly shared: Map<string, unknown>
}

/**
 * The hooks of a plugin that works on what leaves of the HTTP messages that `messageSelection` picks.
 * @param make called for each that is meant; undefined where there is nothing for it to do, which doesn't count as picked.
 */
export function onMessages(context: MessageSelectionContext, make: (message: HttpRequest | HttpResponse) => WireStage | undefined): Hooks {
  const { options } = context
  const inDirection = directionMatcher(options)
  const isMeant = { up: requestMatcher(options), down: responseMatcher(options) }
  const picks = picker(options, context)
  const take = (message: HttpRequest | HttpResponse, sequence: string): void => {
    const stage = make(message)
    if (stage !== undefined && picks(sequence)) message.wire(stage)
  }
  return {
    http: {
      ...(inDirection('up') ? {
        request: (request) => {
          if (request.method !== 'CONNECT' && !request.headers.has('upgrade') && isMeant.up(request)) take(request, 'up')
        },
      } : {}),
      ...(inDirection('down') ? {
        response: (response) => {
          if (isMeant.down(response)) take(response, '')
        },
      } : {}),
    },
  }
}
