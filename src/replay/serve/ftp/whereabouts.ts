import { preparesData, takesPath, takesSecret, withoutListOptions, WorkingDirectory } from '../../../protocols/ftp/index.js'

/** The folder in which a user's login lands; null where its name is no path that can be resolved. */
export type Homes = (user: string | null) => string | null

/** Their arguments are words of the protocol, in any case. */
const inAnyCase = new Set(['TYPE', 'STRU', 'MODE', 'OPTS', 'AUTH', 'PROT'])

/** They set a file's times, which are a local file's where a client uploads it: not the same in two runs. */
const setsTimes = new Set(['MFMT', 'MFCT', 'MFF', 'SITE'])
const time = /(?<!\d)\d{14}(?!\d)/g

/** Answered by where the session is, not by an argument. */
const aboutFolder = new Set(['PWD', 'XPWD', 'CDUP', 'XCUP'])

/**
 * Who a session's user is and where, recorded or alive: so that one and the same thing, asked from another folder or in another
 * spelling, is known again.
 */
export class Whereabouts {
  readonly #homes: Homes
  readonly #directory = new WorkingDirectory()
  #user: string | null = null

  constructor(homes: Homes) {
    this.#homes = homes
  }

  get user(): string | null {
    return this.#user
  }

  /** Absolute; null where it isn't known. */
  get folder(): string | null {
    return this.#directory.path
  }

  asked(verb: string, argument: string | null): void {
    if (verb === 'USER') this.#user = argument
  }

  /** Is given what was recorded without logging in, as though this user had. */
  unannounced(user: string | null): void {
    const home = this.#homes(user)
    if (home !== null) this.#directory.observe('PWD', null, 257, `"${home.replaceAll('"', '""')}"`)
  }

  /** Takes note of a final reply. */
  answered(verb: string, argument: string | null, code: number, text: string): void {
    this.#directory.observe(verb, argument, code, text)
    if (code !== 230) return
    // Nobody says where a login lands before PWD is asked, and not every client asks.
    this.unannounced(this.#user)
  }

  /** The absolute path that a command means; null where it has none or that can't be known. */
  pathOf(verb: string, argument: string | null): string | null {
    // MFMT's path comes after a time.
    if (!takesPath(verb) || verb === 'MFMT') return null
    return this.#directory.resolve(listsByOptions(verb) ? withoutListOptions(argument) : argument)
  }

  /** The same for commands that ask for the same. */
  keyOf(verb: string, argument: string | null, path: string | null): string {
    if (preparesData(verb) !== null) return verb === 'EPSV' && argument?.trim().toUpperCase() === 'ALL' ? 'EPSV ALL' : verb
    if (takesSecret(verb)) return `${verb}\0${this.#user ?? ''}`
    if (aboutFolder.has(verb)) return `${verb}\0${this.folder ?? ''}`
    const words = argument ?? ''
    if (path === null) return `${verb} ${inAnyCase.has(verb) ? words.toUpperCase() : setsTimes.has(verb) ? words.replace(time, 'TIME') : words}`
    return `${verb}\0${listsByOptions(verb) ? optionsIn(argument) : ''}\0${path}`
  }
}

function listsByOptions(verb: string): boolean {
  return verb === 'LIST' || verb === 'NLST'
}

function optionsIn(argument: string | null): string {
  const whole = argument ?? ''
  const path = withoutListOptions(argument) ?? ''
  return argument === path ? '' : whole.slice(0, whole.length - path.length).trim()
}
