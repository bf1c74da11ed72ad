import type { Answer } from './answer.js'

/** One request, as its route sees it. */
export interface Asked {
  /** The parts of the path that have names, decoded. */
  readonly named: (name: string) => string
  readonly query: URLSearchParams
  /** All of the body. @throws BodyTooLarge. */
  readonly body: () => Promise<Buffer>
}

export interface Route {
  readonly methods: readonly string[]
  /** `/proxies/:proxy`: a part after a colon stands for any one segment, which isn't empty. */
  readonly path: string
  readonly answer: (asked: Asked) => Answer | Promise<Answer>
}

/** Routes, and what is said in their place. */
export interface Api {
  readonly routes: readonly Route[]
  readonly unknown: (path: string) => Answer
  readonly wrongMethod: (allowed: readonly string[]) => Answer
  /** A handler threw. */
  readonly failed: (thrown: unknown) => Answer
}

export type Found =
  | { readonly route: Route, readonly named: ReadonlyMap<string, string> }
  | { readonly allowed: readonly string[] }

/** @param path undecoded, so that a name may have slashes in it: `a%2Fb`. @returns the route, or what methods there are; null for a path that has none. */
export function findRoute(routes: readonly Route[], method: string, path: string): Found | null {
  const segments = path.split('/').map(decode)
  const allowed: string[] = []
  for (const route of routes) {
    const named = match(route.path.split('/'), segments)
    if (named === null) continue
    if (route.methods.includes(method)) return { route, named }
    allowed.push(...route.methods)
  }
  return allowed.length === 0 ? null : { allowed }
}

function match(pattern: readonly string[], segments: readonly (string | null)[]): Map<string, string> | null {
  if (pattern.length !== segments.length) return null
  const named = new Map<string, string>()
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index]
    if (segment === null || segment === undefined) return null
    if (part.startsWith(':') && segment !== '') named.set(part.slice(1), segment)
    else if (part !== segment) return null
  }
  return named
}

/** @param segment its bytes as latin1. @returns null where its percents make no text. */
function decode(segment: string): string | null {
  const text = Buffer.from(segment, 'latin1').toString()
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
