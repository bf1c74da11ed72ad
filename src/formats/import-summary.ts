import type { OutputOptions } from '../recording/recording-path.js'

export interface ImportOptions extends OutputOptions {
  /** Record the arguments of PASS instead of masking them. */
  readonly keepPasswords?: boolean
  /** Called often while it reads. */
  readonly onProgress?: (progress: ImportProgress) => void
}

export interface ImportProgress {
  readonly file: string
  /** Of all files, as they are on the disk. */
  readonly bytes: number
  /** Null where one of them is a pipe. */
  readonly total: number | null
  readonly records: number
}

/** Where a file couldn't be read on; what comes before it is imported. */
export interface ImportProblem {
  readonly file: string
  /** Bytes from the beginning of the file, with gzip undone. */
  readonly offset: number
  /** The packet, or in a HAR the entry, that would have been next, from 1. */
  readonly packet: number
  readonly text: string
}

export interface ImportSummary {
  /** The recording. */
  readonly path: string
  readonly records: number
  /** TCP connections, UDP sessions, and what a HAR tells of as connections. */
  readonly connections: number
  readonly packets: number
  /** Of HARs. */
  readonly entries: number
  /** Packets, or entries, that are left out: on interfaces that can't be read, of other protocols, or not to be read themselves. */
  readonly skipped: { readonly unknownLink: number, readonly other: number, readonly malformed: number, readonly entries: number }
  /** Packets that the capture has shortened. */
  readonly cut: number
  /** Bytes that connections had, and the files don't. */
  readonly missingBytes: number
  /** Every file was read to its end. */
  readonly complete: boolean
  readonly problems: readonly ImportProblem[]
  /** What else should be known, in words. */
  readonly notes: readonly string[]
}
