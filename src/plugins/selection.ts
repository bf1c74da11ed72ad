/** The options by which a plugin picks what it touches: spread into its own. */
export const selection = {
  share: { type: 'number', default: 1, minimum: 0, maximum: 1, description: 'How many of them, drawn by the seed.' },
  every: { type: 'number', minimum: 1, integer: true, description: 'Every so-manieth of them instead, counted over the whole relay.' },
} as const

/**
 * @param options the values of `selection`.
 * @returns says of each in turn whether it is picked. @param sequence as for `random`.
 */
export function picker(
  { share, every }: { readonly share: number, readonly every: number | undefined },
  { random, shared }: { readonly random: (sequence?: string) => number, readonly shared: Map<string, unknown> },
): (sequence?: string) => boolean {
  return (sequence = '') => {
    if (every === undefined) return share >= 1 || random(sequence) < share
    const key = `picked/${sequence}`
    const count = (shared.get(key) as number | undefined ?? 0) + 1
    shared.set(key, count)
    return count % every === 0
  }
}
