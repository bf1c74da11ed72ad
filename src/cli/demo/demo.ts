import { openRecording, startRelay } from '../../index.js'
import { Output } from '../output.js'
import { timelineHeading, timelineLine } from '../timeline.js'
import { terminalColumns, terminalPaint } from '../ftp/paint.js'
import { layOut } from '../ftp/picture.js'
import { readStory } from '../ftp/story.js'
import { textPicture } from '../ftp/text-picture.js'
import { talkToEcho, visitShop } from './clients.js'
import { callEcho, lookUpNames, startDatagramEcho, startNameServer } from './datagrams.js'
import { fetchFiles } from './ftp-client.js'
import { startFtpOrigin } from './ftp-origin.js'
import { startEchoOrigin, startHttpOrigin } from './origins.js'

/** The main job on one machine: servers, relays before them, clients through those, and what was recorded. */
export async function demo(output: string | undefined): Promise<void> {
  const [shop, echo, files, names, datagrams] = await Promise.all([
    startHttpOrigin(), startEchoOrigin(), startFtpOrigin(), startNameServer(), startDatagramEcho(),
  ])
  let path: string
  try {
    await using relay = await startRelay({
      http: `0=http://127.0.0.1:${shop.port}`, tcp: `0=127.0.0.1:${echo.port}`, ftp: `0=127.0.0.1:${files.port}`,
      udp: [`0=127.0.0.1:${names.port}`, `0=127.0.0.1:${datagrams.port}`], record: output ?? true,
    })
    for (const { protocol, url, target } of relay.listeners) console.log(`${protocol.padEnd(5)}${url} → ${target}`)
    const [http, tcp, dns, udp, ftp] = relay.listeners
    await Promise.all([
      visitShop(http!.url), talkToEcho(tcp!.host, tcp!.port), fetchFiles(ftp!.host, ftp!.port), lookUpNames(dns!.host, dns!.port),
      callEcho(udp!.host, udp!.port),
    ])
    path = relay.path!
  } finally {
    shop.close()
    echo.close()
    files.close()
    names.close()
    datagrams.close()
  }
  console.log(`\nrecorded in ${path}:\n`)
  using recording = openRecording(path)
  const lines = new Output()
  lines.line(timelineHeading())
  for (const record of recording.records()) lines.line(timelineLine(record))
  lines.flush()
  const [session] = recording.ftpSessions({ limit: 1 })
  console.log('\nwhat waited on what, by wiretape ftp:\n')
  for (const line of textPicture(layOut(readStory(recording, session!), false), terminalColumns(), terminalPaint())) lines.line(line)
  lines.flush()
  const [exchange] = recording.exchanges({ where: `path = '/books'`, limit: 1 })
  console.log(`\nnext: wiretape show ${exchange!.id}   wiretape ftp   wiretape ls --where "status >= 400"   sqlite3 ${path} "select * from record"`)
}
