import { firstHeader } from '../../../protocols/http1/index.js'
import { buildAnswer } from '../../../relay/http/answer.js'
import type { BuiltAnswer } from '../../../relay/http/answer.js'
import type { Miss } from '../miss.js'
import type { AskedRequest } from './asked-request.js'

/** Tells the client why there is no recorded answer: as JSON where that is what it takes, else as text. */
export function missAnswer({ kind, asked, closest, differs, text }: Miss, request: AskedRequest | null, closing: boolean): BuiltAnswer {
  const accepts = request === null ? '' : firstHeader(request.headers, 'accept') ?? ''
  const json = /\bjson\b/i.test(accepts)
  const lines = [text, ...differs.map(({ field, came, recorded }) => `  ${field}: ${told(came)} came, ${told(recorded)} is recorded`)]
  return buildAnswer({
    status: 502,
    reason: 'No Recorded Answer',
    headers: { 'X-Wiretape-Miss': kind, 'Content-Type': json ? 'application/json' : 'text/plain; charset=utf-8' },
    body: json ? `${JSON.stringify({ error: text, kind, asked, closest, differs })}\n` : `${lines.map(spelt).join('\n')}\n`,
  }, request?.method ?? 'GET', closing)
}

/** A terminal would act on what is no text. */
function spelt(line: string): string {
  // oxlint-disable-next-line no-control-regex
  return line.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function told(value: string | null): string {
  return value === null ? 'nothing' : JSON.stringify(value)
}
