import { isUtf8 } from 'node:buffer'

/** Bytes as text: UTF-8 where they are that, else latin1, which loses nothing (RFC 2640 §2.2). */
export function readText(bytes: Buffer): string {
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1')
}
