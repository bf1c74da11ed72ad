import { vsftpd } from '../real/ftp/vsftpd.js'
import { testClientsWith } from './clients-with.js'

testClientsWith(vsftpd)
