import { jsonAnswer, plainAnswer } from '../answer.js'
import type { Answer } from '../answer.js'
import { parseJson, writeJson } from '../json-text.js'
import type { Json } from '../json-text.js'
import type { Api, Asked } from '../routes.js'
import { toToxiproxyError } from './errors.js'
import type { ToxiproxyError } from './errors.js'
import type { Proxies } from './proxies.js'
import type { Toxics } from './toxics.js'

/** The version of Toxiproxy whose API this is: clients ask. */
const version = '2.12.0'

const nothing: Answer = { status: 204 }

/** The Toxiproxy API, as its clients know it. */
export function toxiproxyApi(proxies: Proxies, toxics: Toxics): Api {
  const proxyOf = ({ named }: Asked) => proxies.get(named('proxy'))
  return {
    routes: [
      { methods: ['POST'], path: '/reset', answer: async () => {
        await proxies.reset()
        return nothing
      } },
      { methods: ['GET'], path: '/proxies', answer: () => jsonAnswer(200, `{${proxies.all().map((proxy) => `${writeJson(proxy.name)}:${proxies.json(proxy)}`).join(',')}}`) },
      { methods: ['POST'], path: '/proxies', answer: async (asked) => jsonAnswer(201, proxies.json(await proxies.create(await json(asked)))) },
      { methods: ['POST'], path: '/populate', answer: (asked) => populate(proxies, asked) },
      { methods: ['GET'], path: '/proxies/:proxy', answer: (asked) => jsonAnswer(200, proxies.json(proxyOf(asked))) },
      { methods: ['POST', 'PATCH'], path: '/proxies/:proxy', answer: async (asked) => {
        const proxy = proxyOf(asked)
        await proxies.update(proxy, await json(asked))
        return jsonAnswer(200, proxies.json(proxy))
      } },
      { methods: ['DELETE'], path: '/proxies/:proxy', answer: async (asked) => {
        await proxies.remove(proxyOf(asked))
        return nothing
      } },
      { methods: ['GET'], path: '/proxies/:proxy/toxics', answer: (asked) => jsonAnswer(200, toxics.listJson(proxyOf(asked))) },
      { methods: ['POST'], path: '/proxies/:proxy/toxics', answer: async (asked) => {
        proxyOf(asked)
        const input = toxics.read(await json(asked))
        return jsonAnswer(200, toxics.json(toxics.add(proxyOf(asked), input)))
      } },
      { methods: ['GET'], path: '/proxies/:proxy/toxics/:toxic', answer: (asked) => jsonAnswer(200, toxics.json(toxics.get(proxyOf(asked), asked.named('toxic')))) },
      { methods: ['POST', 'PATCH'], path: '/proxies/:proxy/toxics/:toxic', answer: async (asked) => {
        toxics.get(proxyOf(asked), asked.named('toxic'))
        const body = await json(asked)
        const toxic = toxics.get(proxyOf(asked), asked.named('toxic'))
        toxics.update(toxic, body)
        return jsonAnswer(200, toxics.json(toxic))
      } },
      { methods: ['DELETE'], path: '/proxies/:proxy/toxics/:toxic', answer: (asked) => {
        toxics.get(proxyOf(asked), asked.named('toxic')).remove()
        return nothing
      } },
      { methods: ['GET'], path: '/version', answer: () => ({ status: 200, headers: { 'Content-Type': 'application/json;charset=utf-8' }, body: `{"version": "${version}"}\n` }) },
    ],
    unknown: () => plainAnswer(404, '404 page not found'),
    wrongMethod: () => ({ status: 405 }),
    failed: (thrown) => {
      const error = toToxiproxyError(thrown)
      return plainAnswer(error.status, `{${errorFields(error)}}`)
    },
  }
}

/** Its errors come with what was made before them. */
async function populate(proxies: Proxies, asked: Asked): Promise<Answer> {
  const { proxies: made, error } = await json(asked).then((body) => proxies.populate(body)).catch((thrown: unknown) => ({ proxies: [], error: toToxiproxyError(thrown) }))
  const list = made.length === 0 ? 'null' : `[${made.map((proxy) => proxies.json(proxy)).join(',')}]`
  return jsonAnswer(error?.status ?? 201, `{${error === null ? '' : `${errorFields(error)},`}"proxies":${list}}`)
}

function errorFields({ message, status }: ToxiproxyError): string {
  return `"error":${writeJson(message)},"status":${status}`
}

async function json({ body }: Asked): Promise<Json> {
  return parseJson(await body())
}
