import { WiretapeError } from '../../error.js'
import { nearest } from '../../recording/filter.js'
import type { AnyPlugin } from '../../plugins/definition.js'
import type { Fault } from '../../relay/faults.js'
import type { Relay } from '../../relay/relay.js'
import { jsonAnswer } from '../answer.js'
import type { Asked, Route } from '../routes.js'
import { notFromAfar } from '../shipped.js'
import type { Shipped } from '../shipped.js'
import { readObject } from './read-object.js'
import { findRelay } from './relays.js'

/** Any plugin that ships, put into the running relays, changed and taken out; and what ships. */
export function faultRoutes(relay: Relay, shipped: Shipped, isToxic: (fault: Fault) => boolean, at: string): Route[] {
  const find = ({ named }: Asked): Fault => {
    const id = named('fault')
    const found = relay.faults.find((fault) => String(fault.id) === id)
    if (found === undefined) throw new WiretapeError('not-found', `there is no fault ${JSON.stringify(id)}: GET ${at}/faults lists them, with their ids`)
    return found
  }
  const json = (fault: Fault): string => {
    const { id, name, plugin, options, on } = fault
    return JSON.stringify({ id, name, plugin, options, on: on?.name ?? null, toxic: isToxic(fault) })
  }
  return [
    { methods: ['GET'], path: `${at}/faults`, answer: () => jsonAnswer(200, `[${relay.faults.map(json).join(',')}]\n`) },
    { methods: ['POST'], path: `${at}/faults`, answer: async ({ body }) => {
      const { plugin, options = {}, on, name } = readObject(await body(), { plugin: 'text', options: 'object', on: 'text', name: 'text' })
      if (plugin === undefined) throw new WiretapeError('usage', `plugin is missing: the name of one that ships, such as "latency"`)
      const fault = relay.inject({ plugin: findPlugin(shipped, plugin), options }, {
        ...on === undefined ? {} : { on: findRelay(relay, on) }, ...name === undefined ? {} : { name },
      })
      return jsonAnswer(201, `${json(fault)}\n`)
    } },
    { methods: ['GET'], path: `${at}/faults/:fault`, answer: (asked) => jsonAnswer(200, `${json(find(asked))}\n`) },
    { methods: ['PATCH'], path: `${at}/faults/:fault`, answer: async (asked) => {
      const { options = {} } = readObject(await asked.body(), { options: 'object' })
      const fault = find(asked)
      if (isToxic(fault)) throw new WiretapeError('usage', `fault ${fault.id} is the toxic ${fault.name}: change it at /proxies/${encodeURIComponent(fault.on!.name)}/toxics/${encodeURIComponent(fault.name)}`)
      fault.change(options)
      return jsonAnswer(200, `${json(fault)}\n`)
    } },
    { methods: ['DELETE'], path: `${at}/faults/:fault`, answer: (asked) => {
      find(asked).remove()
      return { status: 204 }
    } },
    { methods: ['GET'], path: `${at}/plugins`, answer: () => jsonAnswer(200, `[${[...shipped.values()].map(describe).join(',')}]\n`) },
    { methods: ['GET'], path: `${at}/plugins/:plugin`, answer: ({ named }) => jsonAnswer(200, `${describe(findPlugin(shipped, named('plugin'), 'not-found'))}\n`) },
  ]
}

/** @throws WiretapeError. */
function findPlugin(shipped: Shipped, name: string, code: 'usage' | 'not-found' = 'usage'): AnyPlugin {
  const found = shipped.get(name)
  if (found !== undefined) return found
  if (notFromAfar.has(name)) throw new WiretapeError(code, `${name} can't be used from here, since whoever reaches this port could read any file with it: name it on the command line, with --plugin`)
  const near = nearest(name, [...shipped.keys()])
  throw new WiretapeError(code, `no plugin that ships is called ${JSON.stringify(name)}${near === null ? '' : ` (did you mean ${near}?)`}; only those that ship can be used from here, by their names, since a path or a package `
    + `would let whoever reaches this port run code: others are named on the command line, with --plugin. There are ${[...shipped.keys()].join(', ')}`)
}

function describe({ name, description, options = {} }: AnyPlugin): string {
  return JSON.stringify({ name, description, options })
}
