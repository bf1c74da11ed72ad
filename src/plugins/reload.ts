import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { reasonOf } from '../error.js'

/** Editors save in several steps; a reload waits this long for the last, in ms. */
const settling = 60

/** A file that is edited while it is used, with those that it imports. */
export interface Watched {
  readonly name: string
  readonly files: readonly string[]
  /** Loads it anew and puts it to use. @returns its files as they are now. @throws whatever is wrong with it; the earlier one stays in use. */
  reload(): Promise<readonly string[]>
}

/** Reloads plugins as their files are saved. Folders are watched, not files: many editors save by putting a new file in the old one's place. */
export class Reloader {
  readonly #watched: { readonly what: Watched, files: ReadonlySet<string>, timer: NodeJS.Timeout | null, loading: Promise<void> }[]
  readonly #folders = new Map<string, FSWatcher>()
  readonly #log: (line: string) => void
  #closed = false

  constructor(watched: readonly Watched[], log: (line: string) => void) {
    this.#log = log
    this.#watched = watched.map((what) => ({ what, files: new Set(what.files), timer: null, loading: Promise.resolve() }))
    this.#watchFolders()
  }

  close(): void {
    this.#closed = true
    for (const { timer } of this.#watched) if (timer !== null) clearTimeout(timer)
    for (const watcher of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }

  #watchFolders(): void {
    const wanted = new Set(this.#watched.flatMap(({ files }) => [...files].map((file) => dirname(file))))
    for (const [folder, watcher] of this.#folders) {
      if (wanted.has(folder)) continue
      watcher.close()
      this.#folders.delete(folder)
    }
    for (const folder of wanted) {
      if (this.#folders.has(folder)) continue
      try {
        const watcher = watch(folder, { persistent: false }, (_event, name) => this.#saved(name === null ? null : resolve(folder, name)))
        watcher.on('error', (error) => this.#log(`changes in ${folder} can't be seen any more: ${reasonOf(error)}`))
        this.#folders.set(folder, watcher)
      } catch (thrown) {
        this.#log(`changes in ${folder} can't be seen: ${reasonOf(thrown)}`)
      }
    }
  }

  /** @param path null where the system doesn't tell which file it was. */
  #saved(path: string | null): void {
    for (const one of this.#watched) {
      if (path !== null && !one.files.has(path)) continue
      if (one.timer !== null) clearTimeout(one.timer)
      one.timer = setTimeout(() => {
        one.timer = null
        // One after another: of two saves, the later has to be the one that stays.
        one.loading = one.loading.then(() => this.#reload(one))
      }, settling)
      one.timer.unref()
    }
  }

  async #reload(one: { readonly what: Watched, files: ReadonlySet<string> }): Promise<void> {
    if (this.#closed) return
    try {
      one.files = new Set(await one.what.reload())
      this.#log(`${one.what.name}: reloaded; new connections get the new code`)
    } catch (thrown) {
      this.#log(`${one.what.name}: the earlier version stays: ${reasonOf(thrown)}`)
    }
    if (!this.#closed) this.#watchFolders()
  }
}
