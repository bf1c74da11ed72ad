import pc from 'picocolors'

const plain = !process.stdout.isTTY || (process.env['NO_COLOR'] ?? '') !== ''

/** Colour on a terminal only, and not with NO_COLOR: picocolors by itself would also colour wherever CI is set. */
export const colour = pc.createColors(!plain)
