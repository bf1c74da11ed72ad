import { rmSync, writeFileSync } from 'node:fs'
import { WiretapeError, reasonOf, systemCodeOf } from '../../error.js'

/**
 * Writes a report, readable by its owner alone: it has names and addresses in it.
 * @throws WiretapeError `exists` unless it may be overwritten, or `storage`.
 */
export function writeReport(path: string, text: string, overwrite: boolean): void {
  try {
    if (overwrite) rmSync(path, { force: true })
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    if (systemCodeOf(cause) === 'EEXIST') throw new WiretapeError('exists', `${path} exists: choose another name, or --overwrite it`, { cause })
    throw new WiretapeError('storage', `cannot write ${path}: ${reasonOf(cause)}`, { cause })
  }
}
