/** A count of bytes as a peer writes it; null where it is no whole number, or one too large to be kept exactly. */
export function readCount(text: string): number | null {
  const digits = text.trim()
  return /^\d{1,15}$/.test(digits) ? Number(digits) : null
}

/** The size in a preliminary reply, `150 Opening data connection for f (4096 bytes).`; null where it names none. */
export function sizeInReply(text: string): number | null {
  // The last one: what stands before it may be a file's name.
  const told = [...text.matchAll(/\((\d{1,20}) bytes\)/gi)].at(-1)?.[1]
  return told === undefined ? null : readCount(told)
}
