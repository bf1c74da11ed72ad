/** No path is looked for in a longer reply, in characters. */
const LONGEST_TEXT = 16 * 1024

/**
 * Which folder the server is in, as far as its replies tell, and so which file a command means. Paths have `/` between
 * their parts; a server that names its folders otherwise (VMS, a drive letter) leaves the folder unknown.
 */
export class WorkingDirectory {
  private folder: string | null = null

  /** Absolute, without a `/` at its end but for the root; null while it isn't known. */
  get path(): string | null {
    return this.folder
  }

  /** Takes note of a command and its final reply. `verb` is in upper case, `text` is the reply's. */
  observe(verb: string, argument: string | null, code: number, text: string): void {
    if (code < 200 || code > 299) return
    switch (verb) {
      case 'PWD':
      case 'XPWD':
        if (code === 257) this.folder = absolute(parsePathReply(text))
        break
      case 'CWD':
      case 'XCWD':
        this.folder = absolute(parseNewFolder(text)) ?? this.entered(argument)
        break
      case 'CDUP':
      case 'XCUP':
        this.folder = absolute(parseNewFolder(text)) ?? this.resolve('..')
        break
      case 'USER':
      case 'PASS':
      case 'ACCT':
        // A login leads to the user's own folder, which nobody names (RFC 959 §4.1.1). 202: there was none.
        if (code === 230) this.folder = null
        break
      case 'REIN':
      case 'SMNT':
        this.folder = null
        break
    }
  }

  /**
   * The absolute path that an argument means, with `.` and `..` taken out; the folder itself where it's null or empty.
   * Null where that can't be known: the folder isn't, or the path begins with `~/`, which servers expand.
   */
  resolve(argument: string | null): string | null {
    const path = argument ?? ''
    if (path.startsWith('/')) return normalise(path)
    if (this.folder === null || path === '~' || path.startsWith('~/')) return null
    return normalise(`${this.folder}/${path}`)
  }

  private entered(argument: string | null): string | null {
    // Without an argument or with `~user` it's a folder that only the server knows.
    return argument === null || argument === '' || argument.startsWith('~') ? null : this.resolve(argument)
  }
}

/**
 * The path in a 257 reply's text: in double quotes, one in the path itself doubled (RFC 959 Appendix II). Without
 * quotes, the text's first word where that is an absolute path. Null where there is none.
 */
export function parsePathReply(text: string): string | null {
  return readQuoted(text)?.path ?? /^\s*(\/\S*)/.exec(text)?.[1] ?? null
}

/** A LIST or NLST argument without the options before the path, `-la` and the like, which many servers give to ls. */
export function withoutListOptions(argument: string | null): string | null {
  if (argument === null) return null
  const path = argument.replace(/^ *(?:-[A-Za-z0-9]+(?: +|$))+/, '')
  return path === '' ? null : path
}

/** Where servers say in a CWD reply where that led (`250 "/pub" is current directory`), it's better than a guess. */
function parseNewFolder(text: string): string | null {
  const quoted = readQuoted(text)
  return quoted !== null && /^ is (?:now )?(?:the |your )?(?:current|new|working)\b/i.test(quoted.after) ? quoted.path : null
}

/** The first thing in double quotes, one in it doubled, and the text after it. */
function readQuoted(text: string): { readonly path: string, readonly after: string } | null {
  if (text.length > LONGEST_TEXT) return null
  const [whole, quoted] = /^[^"]*"((?:[^"]|"")*)"(?!")/.exec(text) ?? []
  if (whole === undefined || quoted === undefined) return null
  return { path: quoted.replaceAll('""', '"'), after: text.slice(whole.length) }
}

function absolute(path: string | null): string | null {
  return path?.startsWith('/') === true ? normalise(path) : null
}

function normalise(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
