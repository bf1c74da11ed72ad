import test from 'ava'
import { bringsListing, dataDirection, preparesData, takesPath, takesSecret } from '../../../src/protocols/ftp/index.js'

const ALL = [
  'USER', 'PASS', 'ACCT', 'CWD', 'CDUP', 'REIN', 'QUIT', 'PORT', 'PASV', 'EPRT', 'EPSV', 'TYPE', 'STRU', 'MODE', 'RETR', 'STOR',
  'STOU', 'APPE', 'ALLO', 'REST', 'RNFR', 'RNTO', 'ABOR', 'DELE', 'RMD', 'MKD', 'PWD', 'LIST', 'NLST', 'SITE', 'SYST', 'STAT',
  'HELP', 'NOOP', 'FEAT', 'OPTS', 'AUTH', 'ADAT', 'PROT', 'PBSZ', 'MLST', 'MLSD', 'SIZE', 'MDTM', 'HOST', 'retr', '',
]

const named = (test: (verb: string) => unknown) => ALL.filter(verb => test(verb)).join(' ')

test('which verbs move data, and which way', t => {
  t.is(named(verb => dataDirection(verb) === 'down'), 'RETR LIST NLST MLSD')
  t.is(named(verb => dataDirection(verb) === 'up'), 'STOR STOU APPE')
  t.is(named(bringsListing), 'LIST NLST MLSD')
})

test('which verbs prepare data connections, have paths, have secrets', t => {
  t.is(named(verb => preparesData(verb) === 'passive'), 'PASV EPSV')
  t.is(named(verb => preparesData(verb) === 'active'), 'PORT EPRT')
  t.is(named(takesPath), 'CWD RETR STOR STOU APPE RNFR RNTO DELE RMD MKD LIST NLST STAT MLST MLSD SIZE MDTM')
  t.is(named(takesSecret), 'PASS ACCT ADAT')
})
