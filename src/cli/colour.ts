import pc from 'picocolors'

/** Colour on a terminal only, and not with NO_COLOR: picocolors by itself would also colour wherever CI is set. */
export const colour = pc.createColors(process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '')
