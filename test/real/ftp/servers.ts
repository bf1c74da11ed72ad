import { ftpSrv } from './ftp-srv.js'
import { pyftpdlib } from './pyftpdlib.js'
import type { FtpServerKind } from './server.js'
import { vsftpd } from './vsftpd.js'

export const ftpServers: readonly FtpServerKind[] = [vsftpd, pyftpdlib, ftpSrv]
