/** Work that is done one after another: at once where nothing has to be waited for. */
export class Turns {
  #last: Promise<unknown> | null = null

  /** Something is still under way. */
  get busy(): boolean {
    return this.#last !== null
  }

  take<T>(work: () => T | Promise<T>): T | Promise<T> {
    const result = this.#last === null ? work() : this.#last.then(work)
    if (!(result instanceof Promise)) return result
    const mine = result.finally(() => {
      if (this.#last === mine) this.#last = null
    })
    this.#last = mine
    return mine
  }
}

/** Goes on with what is there, or will be. */
export function after<T, Next>(value: T | Promise<T>, go: (value: T) => Next | Promise<Next>): Next | Promise<Next> {
  return value instanceof Promise ? value.then(go) : go(value)
}

/** What `start` tells at once, or a promise of it. */
export function told<T>(start: (tell: (value: T) => void) => void): T | Promise<T> {
  let early: { readonly value: T } | null = null
  let late: ((value: T) => void) | null = null
  start((value) => {
    if (late === null) early = { value }
    else late(value)
  })
  const ready = early as { readonly value: T } | null
  return ready === null ? new Promise<T>((resolve) => { late = resolve }) : ready.value
}
