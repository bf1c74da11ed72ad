import { definePlugin, onStreams, streamSelection } from 'wiretape'

export default definePlugin({
  name: 'noop',
  description: 'Lets everything pass: a place to change later, and a measure of what a fault costs.',
  options: { ...streamSelection },
  setup: (context) => onStreams(context, () => async function* (chunks) { yield* chunks }),
})
