import { isIPv4 } from 'node:net'
import { WiretapeError } from '../../error.js'

export interface FtpOptions {
  /** Ports for passive data connections, `'40000-40100'`; 61000 to 65535 where absent, as always for active ones. */
  readonly ftpDataPorts?: string
  /** The address that PASV replies name, an IPv4 address; the one that the client reached the relay by where absent. */
  readonly ftpDataHost?: string
  /** Dial the address that a server's PASV reply names, even where it isn't the server's own. */
  readonly ftpTrustPasv?: boolean
  /** Answer AUTH with 534, so that the client goes on in the clear. */
  readonly ftpRefuseTls?: boolean
  /** Record the arguments of PASS and ACCT instead of masking them. */
  readonly keepPasswords?: boolean
}

export interface FtpSettings {
  readonly dataPorts: { readonly first: number, readonly last: number } | null
  readonly dataHost: string | null
  readonly trustPasv: boolean
  readonly refuseTls: boolean
  readonly keepPasswords: boolean
}

/** @throws WiretapeError `usage`, naming the option. */
export function readFtpOptions(options: FtpOptions): FtpSettings {
  const { ftpDataPorts, ftpDataHost } = options
  if (ftpDataHost !== undefined && !isIPv4(ftpDataHost)) {
    throw new WiretapeError('usage', `ftp-data-host: ${ftpDataHost} is not an IPv4 address, such as 203.0.113.7`)
  }
  return {
    dataPorts: ftpDataPorts === undefined ? null : readRange(ftpDataPorts),
    dataHost: ftpDataHost ?? null,
    trustPasv: options.ftpTrustPasv ?? false,
    refuseTls: options.ftpRefuseTls ?? false,
    keepPasswords: options.keepPasswords ?? false,
  }
}

function readRange(text: string): { first: number, last: number } {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2])
  if (match === null || first < 1 || last > 65535 || first > last) {
    throw new WiretapeError('usage', `ftp-data-ports: ${text} is not FIRST-LAST, such as 40000-40100`)
  }
  return { first, last }
}
