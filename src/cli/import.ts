import { importCapture } from '../formats/import-capture.js'
import type { ImportOptions, ImportProblem, ImportSummary } from '../formats/import-summary.js'
import { printableJson, printableLine } from './escape.js'
import { startProgressBar } from './progress-bar.js'
import { formatBytes, formatCount } from './units.js'

export interface ImportArguments {
  readonly files: readonly string[]
  readonly output: string | undefined
  readonly overwrite: boolean
  readonly append: boolean
  readonly keepPasswords: boolean
  readonly partial: boolean
  readonly json: boolean
}

/** Makes a recording of captures. @returns the exit code: 1 where a file wasn't read to its end, and that isn't what was asked for. */
export async function importFiles({ files, output, overwrite, append, keepPasswords, partial, json }: ImportArguments): Promise<number> {
  const bar = startProgressBar(formatBytes)
  // Ctrl-C is for the program that captures, too: what it has said until then is imported. The next one ends this at once.
  if (files.includes('-')) process.once('SIGINT', () => {})
  const since = performance.now()
  let summary: ImportSummary
  try {
    const options: ImportOptions = { ...(output === undefined ? {} : { path: output }), overwrite, append, keepPasswords, onProgress: ({ bytes, total }) => bar.take({ done: bytes, total, elapsed: performance.now() - since }) }
    summary = await importCapture(files, options)
  } finally {
    bar.stop()
  }
  for (const note of summary.notes) process.stderr.write(`note: ${printableLine(note)}\n`)
  for (const problem of summary.problems) process.stderr.write(`wiretape: ${printableLine(describeProblem(problem))}\n`)
  console.log(json ? printableJson(summary) : describe(summary))
  return summary.complete || partial ? 0 : 1
}

function describeProblem({ file, offset, packet, text }: ImportProblem): string {
  return `${file}: ${text}: at offset ${offset}, where its record ${packet} begins; what comes before it is imported`
}

function describe({ path, records, connections, packets, entries, skipped, cut, missingBytes }: ImportSummary): string {
  const from = [...(packets > 0 || entries === 0 ? [`${formatCount(packets)} packets`] : []), ...(entries > 0 ? [`${formatCount(entries)} entries`] : [])].join(' and ')
  const lines = [`${printableLine(path)}: ${formatCount(records)} records on ${formatCount(connections)} connections, from ${from}`]
  const left = [
    [skipped.unknownLink, 'of unknown link types'], [skipped.other, 'neither TCP nor UDP'], [skipped.malformed, 'malformed'], [skipped.entries, 'entries'],
  ].filter(([count]) => count !== 0).map(([count, what]) => `${formatCount(count as number)} ${what}`)
  if (left.length > 0) lines.push(`left out: ${left.join(', ')}`)
  if (cut > 0) lines.push(`${formatCount(cut)} packets are shorter in the capture than they were on the wire`)
  if (missingBytes > 0) lines.push(`missing: ${formatBytes(missingBytes)} that were sent and are not in the capture; each gap is marked`)
  return lines.join('\n')
}
