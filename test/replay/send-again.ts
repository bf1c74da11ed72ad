import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { compareRecordings, sendRecording } from 'wiretape'
import type { AnswerDifference, SendOptions, SendResult } from 'wiretape'
import { within } from '../real/deadline.js'
import { temporaryFolder } from '../real/temporary-folder.js'

/** Sends a recording to a port, and sees to it that comparing later comes to the same. */
export async function sendTo(t: ExecutionContext, file: string, port: number, options: Partial<SendOptions> = {}): Promise<SendResult> {
  const result = await within(sendRecording(file, { to: `127.0.0.1:${port}`, record: join(temporaryFolder(t), 'now.sqlite'), onProblem: (message) => t.log(message), ...options }), 'the run to end')
  // One without traffic is nothing to compare.
  if (result.sent === 0) return result
  const again = await compareRecordings(file, result.path)
  t.deepEqual(again.differences, result.comparison.differences, 'compared later it is the same')
  t.is(again.same, result.comparison.same)
  t.is(again.notSent, result.comparison.notSent)
  return result
}

export function told({ field, was, now }: AnswerDifference): string {
  return `${field}: ${was} → ${now}`
}
