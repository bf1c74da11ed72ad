/** Where a lane writes: a socket, or stages of plugins before one. */
export interface Outlet {
  readonly destroyed: boolean
  /** Bytes taken and not yet with the system. */
  readonly writableLength: number
  /** Some of what was taken hasn't left yet, whatever window stages ask for. */
  readonly holds?: boolean
  /** @param bytes the caller may use them again once `writableLength` is 0 again. */
  write(bytes: Buffer): unknown
  /** Nothing more will be written: what is under way still goes out. */
  end(): unknown
  /** All that was taken is with the system. */
  on(event: 'drain', listener: () => void): unknown
  off(event: 'drain', listener: () => void): unknown
}
