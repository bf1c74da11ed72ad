import type { Session } from '../bench.js'
import { loopback } from '../ports.js'
import { pathOf } from '../programs.js'

export interface Transfer {
  readonly bytes: number
  readonly seconds: number
}

/** Longest that a transfer may take, in s: a crawl is a finding, not something to wait for. */
const patience = 600

export function download(session: Session, port: number, path: string): Promise<Transfer> {
  return curl(session, [`http://${loopback}:${port}${path}`], 'size_download')
}

/** @param file what is sent, with PUT. */
export function upload(session: Session, port: number, path: string, file: string): Promise<Transfer> {
  return curl(session, ['--upload-file', file, `http://${loopback}:${port}${path}`], 'size_upload')
}

export function ftpDownload(session: Session, port: number, path: string, host = loopback): Promise<Transfer> {
  return curl(session, [`ftp://${host}:${port}/${path}`], 'size_download')
}

/** @param file what is sent, with STOR. */
export function ftpUpload(session: Session, port: number, path: string, file: string, host = loopback): Promise<Transfer> {
  return curl(session, ['--upload-file', file, `ftp://${host}:${port}/${path}`], 'size_upload')
}

async function curl({ processes }: Session, what: readonly string[], size: string): Promise<Transfer> {
  // `-q`: the user's curlrc has no say in it.
  const output = await processes.run(pathOf('curl'), [
    '-q', '--silent', '--show-error', '--fail', '--noproxy', '*', '--output', '/dev/null',
    '--write-out', `{"bytes":%{${size}},"seconds":%{time_total}}`, ...what,
  ], patience)
  return JSON.parse(output) as Transfer
}
