import { basicFtpClient } from './basic-ftp.js'
import type { FtpClient } from './client.js'
import { curlClient } from './curl.js'
import { ftplibClient } from './ftplib.js'
import { lftpClient } from './lftp.js'

export const ftpClients: readonly FtpClient[] = [curlClient, ftplibClient, lftpClient, basicFtpClient]
