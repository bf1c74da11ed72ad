/** A reply that goes on for longer than this isn't waited for: it passes as it is. */
export const longestHeld = 256 * 1024

/** A CR is followed by its LF in less than this, in ms, unless the LF went as urgent data. */
export const lineEndPatience = 100

/** FTP's servers speak first. What a client says before that, and doesn't end as a line, is held for no longer than this, in ms. */
export const greetingPatience = 1000
