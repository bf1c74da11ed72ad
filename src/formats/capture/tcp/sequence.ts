/** How far `to` is after `from` in TCP's numbers, which begin again after 2^32: from -2^31 to below 2^31. */
export function distance(from: number, to: number): number {
  return (to - from) | 0
}

export function advance(sequence: number, by: number): number {
  return (sequence + by) >>> 0
}
