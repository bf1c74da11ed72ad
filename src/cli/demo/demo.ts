import { openRecording, startRelay } from '../../index.js'
import { Output } from '../output.js'
import { timelineHeading, timelineLine } from '../timeline.js'
import { talkToEcho, visitShop } from './clients.js'
import { startEchoOrigin, startHttpOrigin } from './origins.js'

/** The main job on one machine: servers, relays before them, clients through those, and what was recorded. */
export async function demo(output: string | undefined): Promise<void> {
  const [shop, echo] = await Promise.all([startHttpOrigin(), startEchoOrigin()])
  let path: string
  try {
    await using relay = await startRelay({
      http: `0=http://127.0.0.1:${shop.port}`, tcp: `0=127.0.0.1:${echo.port}`, record: output ?? true,
    })
    for (const { protocol, url, target } of relay.listeners) console.log(`${protocol.padEnd(5)}${url} → ${target}`)
    const [http, tcp] = relay.listeners
    await Promise.all([visitShop(http!.url), talkToEcho(tcp!.host, tcp!.port)])
    path = relay.path!
  } finally {
    shop.close()
    echo.close()
  }
  console.log(`\nrecorded in ${path}:\n`)
  using recording = openRecording(path)
  const lines = new Output()
  lines.line(timelineHeading())
  for (const record of recording.records()) lines.line(timelineLine(record))
  lines.flush()
  const [exchange] = recording.exchanges({ where: `path = '/books'`, limit: 1 })
  console.log(`\nnext: wiretape show ${exchange!.id}   wiretape ls --where "status >= 400"   sqlite3 ${path} "select * from record"`)
}
