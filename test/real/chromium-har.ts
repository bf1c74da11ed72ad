import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { ExecutionContext } from 'ava'
import { within } from './deadline.js'
import { Lines } from './program.js'
import { temporaryFolder } from './temporary-folder.js'

type Answer = { readonly id?: number, readonly result?: Record<string, unknown>, readonly error?: { readonly message: string } }
type Ask = (method: string, parameters?: object) => Promise<Record<string, unknown>>

/**
 * What "Export HAR" in Chromium's network panel writes of a page: its own DevTools are opened in another tab, look at the first from its
 * beginning, and are asked for it.
 * @param seen resolves once the page is through.
 */
export async function chromiumHar(t: ExecutionContext, page: string, seen: Promise<unknown>): Promise<string> {
  const browser = spawn('chromium', [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    `--user-data-dir=${temporaryFolder(t)}`, '--remote-debugging-pipe', '--remote-debugging-port=0', '--remote-allow-origins=*', 'about:blank',
  ], { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] })
  const gone = new Promise((resolve) => browser.once('close', resolve))
  t.teardown(() => browser.kill('SIGKILL'))
  const [, , errors, commands, answers] = browser.stdio as unknown as [null, null, Readable, Writable, Readable]
  const [, port] = await within(new Lines(errors).next(/DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/), 'chromium to listen')
  const ask = asking(commands, answers)
  const { targetInfos } = await ask('Target.getTargets') as { targetInfos: { type: string, targetId: string }[] }
  const looked = targetInfos.find(({ type }) => type === 'page')!.targetId
  const url = `http://127.0.0.1:${port}/devtools/inspector.html?ws=127.0.0.1:${port}/devtools/page/${looked}`
  const tools = await attached(ask, (await ask('Target.createTarget', { url }) as { targetId: string }).targetId)
  await within(evaluateUntil(tools, `(async () => {
    const { TargetManager } = await import(location.origin + '/devtools/core/sdk/sdk.js')
    await import(location.origin + '/devtools/models/logs/logs.js')
    const [target] = TargetManager.TargetManager.instance().targets()
    await target.networkAgent().invoke_enable({})
    return 'looks'
  })()`, 'looks'), 'DevTools to look at the page')
  await (await attached(ask, looked))('Page.navigate', { url: page })
  await within(seen, 'chromium to show the page')
  const har = await evaluate(tools, `(async () => {
    const { Writer } = await import(location.origin + '/devtools/models/har/har.js')
    const { NetworkLog } = await import(location.origin + '/devtools/models/logs/logs.js')
    const { Progress } = await import(location.origin + '/devtools/core/common/common.js')
    const requests = () => NetworkLog.NetworkLog.instance().requests()
    while (requests().some((request) => !request.finished)) await new Promise((resolve) => setTimeout(resolve, 20))
    let written = ''
    await Writer.Writer.write({ write: async (text) => { written += text } }, requests(), { sanitize: false }, new Progress.Progress())
    return written
  })()`)
  browser.kill()
  await within(gone, 'chromium to end')
  return har
}

/** Commands of the DevTools protocol and their answers, each JSON and a NUL. */
function asking(commands: Writable, answers: Readable): (method: string, parameters?: object, sessionId?: string) => Promise<Record<string, unknown>> {
  const waiting = new Map<number, (answer: Answer) => void>()
  let text = ''
  answers.on('data', (bytes: Buffer) => {
    const messages = (text + bytes.toString()).split('\0')
    text = messages.pop()!
    for (const message of messages) {
      const answer = JSON.parse(message) as Answer
      if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
    }
  })
  let last = 0
  return (method, params = {}, sessionId) => within(new Promise((resolve, reject) => {
    const id = ++last
    waiting.set(id, ({ result, error }) => {
      if (error === undefined) resolve(result ?? {})
      else reject(new Error(`${method}: ${error.message}`))
    })
    commands.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
  }), `chromium to answer ${method}`)
}

async function attached(ask: ReturnType<typeof asking>, targetId: string): Promise<Ask> {
  const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true }) as { sessionId: string }
  return (method, parameters) => ask(method, parameters, sessionId)
}

async function evaluate(ask: Ask, expression: string): Promise<string> {
  const { result, exceptionDetails } = await ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }) as {
    result: { value: string }, exceptionDetails?: { exception?: { description?: string } }
  }
  if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? 'the evaluation failed')
  return result.value
}

/** A page that is still being loaded throws, or loses what is evaluated in it. */
async function evaluateUntil(ask: Ask, expression: string, value: string): Promise<void> {
  for (;;) {
    if (await evaluate(ask, expression).catch(() => null) === value) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
