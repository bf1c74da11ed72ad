import { redecodeRecording } from '../formats/redecode/redecode-recording.js'
import type { RedecodeOptions } from '../formats/redecode/redecode-recording.js'
import { printableLine } from './escape.js'

export function redecode(file: string | undefined, options: RedecodeOptions): void {
  const { path, records } = redecodeRecording(file, options)
  process.stdout.write(`${printableLine(path)}: ${records} ${records === 1 ? 'record' : 'records'}\n`)
}
