import type { Direction } from '../protocols/decoder.js'

/** An address as a socket gives it: an IP (no brackets) and a port. */
export interface Address {
  readonly host: string
  readonly port: number
}

export interface TlsFacts {
  readonly version: string | null
  readonly cipher: string | null
  readonly alpn: string | null
  readonly serverName: string | null
}

/** What opens a connection's entry in the recording. `protocol` names the interpreter that will read its bytes. */
export interface OpenedNote {
  readonly type: 'opened'
  readonly relay: number
  readonly protocol: string
  readonly transport: 'tcp' | 'udp'
  readonly client: Address | null
  readonly server?: Address | null
  readonly listen: Address | null
  /** Handle of the connection this one belongs to, and as what (an FTP data connection, role `data`). */
  readonly parent?: number
  readonly role?: string
  /** On an FTP data connection: the command that prepared it, by its ordinal on the parent, and how. */
  readonly ftp?: { readonly command: number, readonly mode: 'passive' | 'active', readonly form: string }
  /** Record the arguments of PASS instead of masking them. */
  readonly keepPasswords?: boolean
  /** What a UDP session's datagrams are to be read as: `auto`, `none`, or a decoder's name. */
  readonly decode?: string
  /** How the client reached the relay, for the URLs of HTTP exchanges. */
  readonly scheme?: string
}

export interface ConnectedNote {
  readonly type: 'connected'
  readonly dial: Address | null
  /** The side that was dialled: the server, or in FTP's active mode the client. */
  readonly server?: Address | null
  readonly client?: Address | null
  readonly tls: TlsFacts | null
}

/** Why a connection is over: who ended it, and the failure where there was one. */
export interface ClosedNote {
  readonly type: 'closed'
  readonly reason: string
  readonly error: string | null
}

/** Something the relay or a plugin did or noticed. `source` is `relay`, `recorder`, `decoder`, `import` or a plugin's name. */
/** The kind of the event that an exchange's body isn't known: it is there as an empty one. */
export const bodyUnknownEvent = 'body-unknown'

export interface EventNote {
  readonly type: 'event'
  readonly kind: string
  readonly source: string
  readonly text: string
  readonly direction?: Direction
  readonly offset?: number
  readonly bytes?: number
  /** The plugin's hook that did it, by its path. */
  readonly hook?: string
  /** The plugin and its options, as on the command line. */
  readonly parameters?: string
  readonly delayMs?: number
  /** The message on this connection that it is about, by its ordinal there, as the decoder counts. */
  readonly message?: number
}

/** HTTP: what was done to an exchange that the bytes received don't show. It comes before what is `sent` for it. */
export interface ExchangeNote {
  readonly type: 'exchange'
  /** Its ordinal on the connection, as the decoder counts. */
  readonly message: number
  /** The request went on with this method: the response is framed for it. */
  readonly method?: string
  /** Bytes of the relay's own go to the client at this offset of what was received from the server, and belong to the exchange. */
  readonly offset?: number
  /** They are the final response. */
  readonly answer?: {
    readonly status: number, readonly reason: string, readonly version: string, readonly headers: readonly (readonly [string, string])[]
    /** Bytes of the body. */
    readonly size: number
  }
}

/** Bytes that are missing, more of them than an entry of their own can tell of. */
export interface MissingNote {
  readonly type: 'missing'
  readonly direction: Direction
  readonly offset: number
  readonly length: number
}

export interface RelayNote {
  readonly type: 'relay'
  readonly relay: number
  readonly protocol: string
  readonly listen: Address
  readonly target: string
}

export type Note = OpenedNote | ConnectedNote | ClosedNote | EventNote | ExchangeNote | MissingNote | RelayNote
