import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A certificate that nobody vouches for, for localhost and the loopback address. Needs openssl. */
export function selfSigned(folder: string): { key: Buffer, cert: Buffer } {
  const key = join(folder, 'key.pem')
  const cert = join(folder, 'cert.pem')
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert,
  ], { stdio: 'pipe' })
  return { key: readFileSync(key), cert: readFileSync(cert) }
}
