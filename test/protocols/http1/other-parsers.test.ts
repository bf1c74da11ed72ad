import test from 'ava'
import { CORPUS } from './corpus.js'
import { DISAGREEMENTS } from './disagreements.js'
import { readWithHttpParserJs, readWithNode } from './other-parsers.js'
import { readWithDecoder } from './reading.js'

const PARSERS = { 'node': readWithNode, 'http-parser-js': readWithHttpParserJs }

for (const [parser, read] of Object.entries(PARSERS)) {
  for (const sample of CORPUS) {
    test(`${parser} reads ${sample.kind} ${sample.name} as we do, or differs as told`, async t => {
      const ours = readWithDecoder(sample)
      const theirs = await read(sample)
      const told = DISAGREEMENTS[parser as keyof typeof PARSERS][`${sample.kind} ${sample.name}`]
      if (told === undefined) t.deepEqual(theirs, ours, 'this disagreement has no explanation')
      else t.notDeepEqual(theirs, ours, `they agree now, so this explanation has to go: ${told}`)
    })
  }
}

test('every disagreement that is explained is about a sample', t => {
  const names = new Set(CORPUS.map(({ kind, name }) => `${kind} ${name}`))
  t.deepEqual(Object.values(DISAGREEMENTS).flatMap(Object.keys).filter(name => !names.has(name)), [])
})
