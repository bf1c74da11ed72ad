import type { ExecutionContext } from 'ava'

/** How the data connection is asked for. */
export type Form = 'PASV' | 'EPSV' | 'PORT' | 'EPRT'

/** Where a client connects to, and how. */
export interface Place {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly form: Form
}

/** A real FTP client; each call is a session of its own. Names are relative to the folder in which a login lands. */
export interface FtpClient {
  /** The program's name, for test titles. */
  readonly name: string
  readonly available: boolean
  /** The forms that it knows over IPv4 and over IPv6. */
  readonly forms: { readonly 4: readonly Form[], readonly 6: readonly Form[] }
  /** The verb that `append` uses: some append by storing from the end on. */
  readonly appendsBy: 'APPE' | 'STOR'
  download(t: ExecutionContext, place: Place, name: string): Promise<Buffer>
  /** @returns the whole file, of which the client had the beginning. */
  resume(t: ExecutionContext, place: Place, name: string, had: Buffer): Promise<Buffer>
  upload(t: ExecutionContext, place: Place, name: string, bytes: Buffer): Promise<void>
  /** @param before what the file has already. */
  append(t: ExecutionContext, place: Place, name: string, bytes: Buffer, before: Buffer): Promise<void>
  /** @returns the names in the folder. */
  list(t: ExecutionContext, place: Place): Promise<string[]>
}

export const passive = (form: Form): boolean => form === 'PASV' || form === 'EPSV'
