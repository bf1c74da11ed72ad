/** @param other of the same length. @returns the index of the first byte that isn't the same; -1 where all are. */
export function differenceOf(bytes: Buffer, other: Buffer): number {
  return bytes.equals(other) ? -1 : bytes.findIndex((byte, index) => byte !== other[index])
}
