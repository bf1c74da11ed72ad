import { dirname, join } from 'node:path/posix'

export interface SourceFile {
  /** From the project's root, with slashes: `src/relay/tcp.ts`. */
  readonly path: string
  readonly text: string
}

/** Rooms by floor, the lowest first: a room may import from lower floors and from itself. */
const floors: readonly (readonly string[])[] = [
  ['protocols'], ['recording'], ['plugins'], ['relay'], ['control', 'replay', 'formats'], ['cli'],
]

/** The second public face: what ships, by name. */
const facesOfFaults = 'src/faults.ts'

/** What a file asks for: imports and re-exports of any kind, types too, and workers started from a file. */
export function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
  const found = [
    ...code.matchAll(/^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm),
    ...code.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm),
    ...code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g),
    ...code.matchAll(/\bnew URL\(\s*['"](\.[^'"]+\.js)['"],\s*import\.meta\.url\s*\)/g),
  ]
  return found.map((match) => match[1]!)
}

/** Each breach of the house's order as one line; none where all is well. */
export function breaches(files: readonly SourceFile[]): string[] {
  const found: string[] = []
  const graph = new Map<string, string[]>()
  for (const { path, text } of files) {
    const targets: string[] = []
    for (const name of importsOf(text)) {
      const target = name.startsWith('.') ? join(dirname(path), name).replace(/\.js$/, '.ts') : null
      if (target !== null) targets.push(target)
      const why = target === null ? refusePackage(path, name) : refuseFile(path, target)
      if (why !== null) found.push(`${path} imports ${target ?? name}: ${why}`)
    }
    graph.set(path, targets)
  }
  return [...found, ...circles(graph)]
}

function refusePackage(path: string, name: string): string | null {
  if (path.startsWith('src/')) return name === 'wiretape' ? 'the public face is for those outside' : null
  return name === 'wiretape' || name.startsWith('node:') ? null : 'a shipped plugin stands on the public face alone'
}

function refuseFile(path: string, target: string): string | null {
  if (path.startsWith('plugins/')) return 'a shipped plugin stands on the public face alone'
  if (path === facesOfFaults) return target.startsWith('plugins/') || target === 'src/plugins/definition.ts' ? null : 'it names the faults that ship, and nothing else'
  if (!target.startsWith('src/')) return 'it is outside src'
  if (target === facesOfFaults) return 'it is for those outside'
  if (path === 'src/index.ts') return floorOf(target) === floors.length - 1 ? 'the library has no command line' : null
  if (path === 'src/error.ts') return 'it is below all'
  const from = roomOf(path)
  const to = roomOf(target)
  if (from === null || !floors.flat().includes(from)) return 'the importing file is in no room of the plan'
  if (target === 'src/index.ts') return from === 'cli' ? null : 'only the command line stands on the public face'
  if (target === 'src/error.ts') return from === 'protocols' ? 'protocols import nothing of ours' : null
  if (to === null || !floors.flat().includes(to)) return 'it is in no room of the plan'
  if (from === to) return null
  return floorOf(target) < floorOf(path) ? null : `${to} is not below ${from}`
}

function roomOf(path: string): string | null {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? null
}

function floorOf(path: string): number {
  return floors.findIndex((rooms) => rooms.includes(roomOf(path) ?? ''))
}

/** Every file that leads back to itself, with the way there. A circle is told once. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const way: string[] = []
  const visit = (path: string): void => {
    const start = way.indexOf(path)
    if (start >= 0) {
      found.push(`circle: ${[...way.slice(start), path].join(' → ')}`)
      return
    }
    if (done.has(path)) return
    way.push(path)
    for (const target of graph.get(path) ?? []) visit(target)
    way.pop()
    done.add(path)
  }
  for (const path of graph.keys()) visit(path)
  return found
}
