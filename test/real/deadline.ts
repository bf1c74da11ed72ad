import { setTimeout as sleep } from 'node:timers/promises'

/** Long enough for a busy machine: only a test that would hang for ever gets here. */
const patience = 120_000

/** The promise's value, or a failure that says what never came. */
export async function within<T>(promise: Promise<T>, what: string, deadline = patience): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadline} ms in vain for ${what}`)), deadline)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Asks again and again until the answer is neither false nor null nor undefined. */
export async function until<T>(ask: () => T | Promise<T>, what: string, deadline = patience): Promise<NonNullable<T>> {
  const last = Date.now() + deadline
  for (;;) {
    const answer = await ask()
    if (answer !== false && answer !== null && answer !== undefined) return answer
    if (Date.now() > last) throw new Error(`waited ${deadline} ms in vain for ${what}`)
    await sleep(10)
  }
}

/** Resolves once a number has stopped changing: how far something got that nothing tells the end of. */
export async function settled(read: () => number, quiet = 700): Promise<number> {
  let value = read()
  let since = Date.now()
  while (Date.now() - since < quiet) {
    await sleep(20)
    const now = read()
    if (now !== value) since = Date.now()
    value = now
  }
  return value
}
