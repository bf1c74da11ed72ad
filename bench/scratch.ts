import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The run's temporary folder (in `TMPDIR`), private to the user. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), 'wiretape-bench-'))
  #names = 0

  /** @returns a name that nobody else has. */
  fresh(ending: string): string {
    return join(this.folder, `${++this.#names}-${ending}`)
  }

  /** Removes a file with what SQLite may have left beside it. */
  discard(path: string): void {
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(path + end, { force: true })
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder)
    return bavail * bsize
  }

  /** Synchronous, so that it can be the last thing a dying process does. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
