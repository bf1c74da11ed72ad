import { pyftpdlib } from '../real/ftp/pyftpdlib.js'
import { testClientsWith } from './clients-with.js'

testClientsWith(pyftpdlib)
