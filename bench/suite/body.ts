import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import type { Bench } from '../bench.js'
import { download } from '../clients/curl.js'
import { direct } from '../peers/direct.js'
import { haproxy } from '../peers/haproxy.js'
import { startNginx } from '../peers/nginx.js'
import { notRecording, recording } from '../peers/wiretape.js'
import { readRecorded } from '../recorded.js'
import { measureInRounds, rowsOf } from '../rounds.js'
import type { Check } from '../report/outcome.js'

const mebibyte = 2 ** 20
const size = 256 * mebibyte

/** Downloads that count, one after the other; one more goes before them to warm up. */
const downloads = 3

export const body: Bench = {
  name: 'body',
  title: 'nginx serves 256 MiB, curl fetches it',
  needs: ['nginx', 'curl'],
  compares: ['haproxy'],
  async run(session) {
    const served = session.scratch.fresh('served')
    mkdirSync(served)
    const file = `${served}/256m.bin`
    fill(file)
    const origin = await startNginx(session, served)
    const checks: Check[] = []
    const measured = await measureInRounds(session, {
      peers: [direct, haproxy, recording, notRecording],
      origin: origin.port,
      async measure(port) {
        let seconds = 0
        for (let n = 0; n <= downloads; n++) {
          const transfer = await download(session, port, '/256m.bin')
          if (transfer.bytes !== size) throw new Error(`${transfer.bytes} bytes arrived instead of ${size}`)
          if (n > 0) seconds += transfer.seconds
        }
        return downloads * size / seconds
      },
      inspect(_peer, _sample, traces) {
        if (traces.recording !== null) checks.push(check(traces.recording))
      },
    })
    await origin.stop()
    session.scratch.discard(file)
    const failed = checks.filter(({ ok }) => !ok)
    return {
      tables: [{
        figure: 'fetched', unit: 'MB/s', reference: haproxy.name,
        rows: rowsOf(measured, (speed) => speed / 1e6),
        targets: [
          { peer: recording.name, atLeast: 0.35, times: haproxy.name },
          { peer: notRecording.name, atLeast: 0.8, times: haproxy.name },
        ],
      }],
      checks: failed.length > 0 ? failed : checks.slice(0, 1),
    }
  },
}

function check(path: string): Check {
  const { responseBytes, troubles } = readRecorded(path)
  const expected = (downloads + 1) * size
  if (troubles.length > 0) return { ok: false, text: `in a recording: ${troubles.join('; ')}` }
  return responseBytes === expected
    ? { ok: true, text: 'none lost: all bytes fetched are in the file, in every round' }
    : { ok: false, text: `lost: ${responseBytes} of ${expected} bytes are in the file` }
}

/** Bytes that don't compress: a file system that compresses has the same work with them as with any download. */
function fill(file: string): void {
  const piece = randomBytes(mebibyte)
  const descriptor = openSync(file, 'wx')
  for (let at = 0; at < size; at += piece.length) writeSync(descriptor, piece)
  closeSync(descriptor)
}
