import { openRecording } from '../../src/index.js'

/*
 * What `wiretape ls --json` does with the library alone: the difference is what the command line adds.
 * Arguments: file, condition.
 */

using recording = openRecording(process.argv[2])
let text = ''
for (const record of recording.records({ where: process.argv[3]! })) text += `${JSON.stringify(record)}\n`
process.stdout.write(text)
