import { definePlugin, onStreams, streamSelection } from 'wiretape'

export default definePlugin({
  name: 'slicer',
  description: 'Cuts what comes together into small pieces, and may wait after each.',
  options: {
    size: { type: 'number', required: true, minimum: 1, integer: true, description: 'Bytes of a piece, on average.' },
    variation: { type: 'number', default: 0, minimum: 0, integer: true, description: 'Up to so many bytes more or less.' },
    delay: { type: 'number', default: 0, minimum: 0, description: 'Wait after each piece, in µs.' },
    ...streamSelection,
  },
  setup(context) {
    const { options: { size, variation, delay }, random } = context
    return onStreams(context, ({ direction }) => async function* (chunks, stage) {
      // Timers know whole ms alone: what they are late by is taken off the next waits, where those are shorter.
      let debt = 0
      for await (const chunk of chunks) {
        stage.count('sliced', { bytes: chunk.length })
        let at = 0
        for (const until of cuts(chunk.length, size, variation, () => random(direction))) {
          if (stage.removed) break
          const piece = chunk.subarray(at, until)
          stage.stamp(piece, stage.cameAt(chunk))
          yield piece
          at = until
          debt += delay / 1000
          if (debt < 1) continue
          const start = performance.now()
          await stage.sleep(debt)
          debt = delay >= 1000 ? 0 : debt - (performance.now() - start)
        }
        if (at === chunk.length) continue
        const rest = chunk.subarray(at)
        stage.stamp(rest, stage.cameAt(chunk))
        yield rest
      }
    })
  },
})

/** Halves a stretch about its middle until the pieces are of the size. @returns where each piece ends. */
function cuts(length: number, size: number, variation: number, random: () => number): number[] {
  const ends: number[] = []
  // Not by calling itself: a large chunk in pieces of one byte is deep.
  const open: [start: number, end: number][] = [[0, length]]
  for (let stretch = open.pop(); stretch !== undefined; stretch = open.pop()) {
    const [start, end] = stretch
    if (end - start <= Math.max(1, size + variation)) {
      ends.push(end)
      continue
    }
    const off = variation === 0 ? 0 : Math.floor(random() * variation * 2) - variation
    const middle = Math.min(end - 1, Math.max(start + 1, start + Math.floor((end - start) / 2) + off))
    open.push([middle, end], [start, middle])
  }
  return ends
}
