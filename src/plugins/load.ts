import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { extname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createJiti } from 'jiti'
import { reasonOf, WiretapeError } from '../error.js'
import { nearest } from '../recording/filter.js'
import * as face from './face.js'

/** A module's default export, and the files of its own that it was made of: those that may be edited. */
export interface LoadedModule {
  readonly exported: unknown
  readonly files: readonly string[]
}

/** Where the plugins lie that ship, compiled. */
const shippedFolder = fileURLToPath(new URL('../../plugins/', import.meta.url))

/** Names of the plugins that ship. */
export function shippedPlugins(): string[] {
  if (!existsSync(shippedFolder)) return []
  return readdirSync(shippedFolder).filter((name) => name.endsWith('.js')).map((name) => name.slice(0, -3)).toSorted()
}

/**
 * Finds and loads a plugin by its name: a path, a plugin that ships, or a package that the folder `from` can see.
 * @throws WiretapeError `usage`: which file, which line, why.
 */
export async function loadPluginModule(name: string, from = process.cwd()): Promise<LoadedModule> {
  if (isPath(name)) {
    const path = resolve(from, name)
    if (!existsSync(path)) throw new WiretapeError('usage', `plugin ${name}: there is no file ${path}`)
    if (!statSync(path).isFile()) throw new WiretapeError('usage', `plugin ${name}: ${path} is no file: name the file in it that exports the plugin`)
    return loadFile(path, `plugin ${name}`)
  }
  const shipped = shippedPlugins()
  if (shipped.includes(name)) {
    const { default: exported } = await import(pathToFileURL(join(shippedFolder, `${name}.js`)).href) as { default?: unknown }
    return { exported, files: [] }
  }
  let path: string
  try {
    path = createRequire(join(from, 'from.js')).resolve(name)
  } catch {
    const near = nearest(name, shipped)
    throw new WiretapeError('usage', `plugin ${name}: none that ships has this name${near === null ? '' : ` (did you mean ${near}?)`}, no package has it, and a file is named by its path (./${name}); `
      + 'wiretape plugins lists those that ship')
  }
  return loadFile(path, `plugin ${name}`)
}

/**
 * Loads a JavaScript or TypeScript file anew, with all that it imports of its own.
 * @param what how it is named in an error.
 * @throws WiretapeError `usage`.
 */
export function loadFile(path: string, what: string): Promise<LoadedModule> {
  const loaded = loading.then(() => evaluate(path, what))
  loading = loaded.catch(() => {})
  return loaded
}

/** One after another: they share Node's cache of modules, of which each clears what may have been edited. */
let loading: Promise<unknown> = Promise.resolve()

async function evaluate(path: string, what: string): Promise<LoadedModule> {
  const files = new Set<string>([path])
  const translator = createJiti(path, { fsCache: false, moduleCache: true, sourceMaps: true })
  const jiti = createJiti(path, {
    fsCache: false, moduleCache: true, interopDefault: false,
    // Not to be imported above: the faults that ship are plugins themselves, and stand on all of this.
    virtualModules: { 'wiretape': face, 'wiretape/faults': await import('wiretape/faults') },
    transform: (options) => {
      if (options.filename !== undefined) files.add(options.filename)
      return { code: translator.transform(options) }
    },
  })
  // Else an edit of a file that was loaded before would go unseen.
  for (const loaded of Object.keys(jiti.cache)) if (isOwn(loaded)) delete jiti.cache[loaded]
  // A top-level await that nothing settles keeps nobody alive: the process would end without a word.
  const unfinished = (): void => { process.stderr.write(`wiretape: ${what} was never loaded to its end: a top-level await in it waits for what doesn't come\n`) }
  process.once('exit', unfinished)
  try {
    const exported = await jiti.import(path, { default: true })
    for (const loaded of Object.keys(jiti.cache)) if (isOwn(loaded)) files.add(loaded)
    return { exported, files: [...files].filter(isOwn) }
  } catch (cause) {
    throw new WiretapeError('usage', `${what} can't be loaded: ${describe(cause, path)}`, { cause })
  } finally {
    process.off('exit', unfinished)
  }
}

function isPath(name: string): boolean {
  return name.startsWith('.') || isAbsolute(name) || ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'].includes(extname(name))
}

/** Packages aren't edited while they run. */
function isOwn(file: string): boolean {
  return isAbsolute(file) && !/[\\/]node_modules[\\/]/.test(file) && !file.startsWith(fileURLToPath(new URL('../', import.meta.url)))
}

/** Which file, which line, why: as far as the error tells. */
function describe(cause: unknown, path: string): string {
  const reason = reasonOf(cause).split('\n').map((line) => line.trim()).find((line) => line !== '') ?? 'no reason given'
  const text = cause instanceof Error ? `${cause.message}\n${cause.stack ?? ''}` : ''
  const place = new RegExp(`(${escapeForPattern(path)}):(\\d+)(?::(\\d+))?`).exec(text) ?? /((?:\/|[A-Za-z]:\\)[^\s():]+\.[cm]?[jt]s):(\d+)(?::(\d+))?/.exec(text)
  return place === null || reason.includes(`${place[1]}:${place[2]}`) ? reason : `${reason} (${place[0]})`
}

function escapeForPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
