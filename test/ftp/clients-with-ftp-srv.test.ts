import { ftpSrv } from '../real/ftp/ftp-srv.js'
import { testClientsWith } from './clients-with.js'

testClientsWith(ftpSrv)
