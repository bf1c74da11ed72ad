/** Commands that say how to talk, not what is wanted. Every server knows them, and every client has its own way with them. */
const housekeeping = new Set([
  'NOOP', 'TYPE', 'STRU', 'MODE', 'PASV', 'EPSV', 'PORT', 'EPRT', 'OPTS', 'FEAT', 'SYST', 'PWD', 'XPWD', 'QUIT', 'ABOR', 'REST', 'USER', 'PASS', 'ACCT', 'AUTH', 'PBSZ', 'PROT',
  'CLNT', 'HELP', 'HOST', 'LANG', 'ALLO', 'REIN',
])

/** Whether a command asks for something of its own: by these it is told which recorded session a client repeats. */
export function matters(verb: string): boolean {
  return !housekeeping.has(verb)
}
