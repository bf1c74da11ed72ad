/*
 * What a plugin file gets when it imports "wiretape", wherever it lies: it needs no package of its own beside it.
 */
export { close, delay, drop, duplicate, reply, reset, respond, retarget } from './actions.js'
export { definePlugin } from './definition.js'
export { clientMatcher, clientOption, commandMatcher, commandOptions, directionMatcher, directionOption, requestMatcher, requestOptions, responseMatcher } from './matching.js'
export { picker, selection } from './selection.js'
export { messageSelection, onMessages } from './message-selection.js'
export { onStreams, streamSelection } from './stream-selection.js'
export { HeaderList } from './header-list.js'
