import type { ConnectionPlugins } from '../../plugins/connection-plugins.js'
import type { Direction } from '../../protocols/decoder.js'
import type { StageLink } from './stage-link.js'

/** Tells once of each stage that it changes what goes by. */
export class ChangeEvents {
  readonly #plugins: ConnectionPlugins
  readonly #direction: Direction
  /** Links that have changed something; whether that was told. */
  readonly #changers = new Map<StageLink, boolean>()

  constructor(plugins: ConnectionPlugins, direction: Direction) {
    this.#plugins = plugins
    this.#direction = direction
  }

  /** It has given on something else than it was given. */
  changes(link: StageLink): void {
    if (!this.#changers.has(link)) this.#changers.set(link, false)
  }

  /** All are told of once more: what was told before holds no longer. */
  again(): void {
    for (const link of this.#changers.keys()) this.#changers.set(link, false)
  }

  /** What it held comes to its end; where nobody was told yet of what it changed, that is still to come. */
  left(link: StageLink): void {
    if (this.#changers.get(link) === true) this.#changers.delete(link)
  }

  /** Something else goes out than came. @param offset where in the stream, for the record; null where that isn't recorded. @param isThere whether the link will change more. */
  wentOut(offset: number | null, isThere: (link: StageLink) => boolean): void {
    for (const [link, told] of this.#changers) {
      if (told) continue
      const { use: { member: { name, parameters }, path } } = link
      this.#plugins.tell({
        kind: 'changed', source: name, parameters, hook: path, direction: this.#direction,
        text: `${path}: changed what goes ${this.#direction} from here on${offset === null ? ', which the recording has as it was before' : ''}`, ...(offset === null ? {} : { offset }),
      })
      if (isThere(link)) this.#changers.set(link, true)
      else this.#changers.delete(link)
    }
  }
}
