/** Bytes that can't be read as what they should be, with the reason in words for whoever looks at the recording. */
export class Undecodable {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}
