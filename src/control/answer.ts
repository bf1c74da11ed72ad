/** What a request is answered with. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export function jsonAnswer(status: number, body: string): Answer {
  return { status, headers: { 'Content-Type': 'application/json' }, body }
}

/** Text that no browser is to take for anything else. */
export function plainAnswer(status: number, text: string): Answer {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }, body: `${text}\n` }
}
