import type { Hooks } from './hooks.js'
import type { ConnectionInfo, Message } from './messages.js'

/** An option of a plugin: its type, and what it may be. */
export type OptionDeclaration =
  | { readonly type: 'number', readonly default?: number, readonly minimum?: number, readonly maximum?: number, readonly integer?: boolean, readonly required?: boolean, readonly description: string }
  | { readonly type: 'string', readonly default?: string, readonly choices?: readonly string[], readonly required?: boolean, readonly description: string }
  | { readonly type: 'boolean', readonly default?: boolean, readonly required?: boolean, readonly description: string }
  /** Several texts: on the command line, the option given again or its values joined by "+". `whole` values may have a "+" in them: they are only given again. */
  | { readonly type: 'list', readonly whole?: boolean, readonly default?: readonly string[], readonly required?: boolean, readonly description: string }

export type OptionDeclarations = Readonly<Record<string, OptionDeclaration>>

type ValueOf<Declaration> =
  Declaration extends { type: 'number' } ? number
    : Declaration extends { type: 'boolean' } ? boolean
      : Declaration extends { type: 'list' } ? readonly string[]
        : Declaration extends { type: 'string', choices: readonly (infer Choice)[] } ? Choice : string

/** What `setup` gets: an option without a default, and not required, may be absent. */
export type OptionValues<Declarations extends OptionDeclarations> = {
  readonly [Name in keyof Declarations]: Declarations[Name] extends { default: unknown } | { required: true }
    ? ValueOf<Declarations[Name]> : ValueOf<Declarations[Name]> | undefined
}

/** What may be given for them: those that are required have to be. */
export type GivenOptions<Declarations extends OptionDeclarations> =
  & { readonly [Name in keyof Declarations as Declarations[Name] extends { required: true } ? Name : never]: ValueOf<Declarations[Name]> }
  & { readonly [Name in keyof Declarations as Declarations[Name] extends { required: true } ? never : Name]?: ValueOf<Declarations[Name]> }

export interface SetupContext<Declarations extends OptionDeclarations> {
  readonly options: OptionValues<Declarations>
  /**
   * From 0 up to 1, from the run's seed, this plugin and this connection: the same in every run with the same seed.
   * @param sequence draws from a sequence of its own: hooks of both directions take `random(direction)`, else the timing would decide
   *   which of them gets which number.
   */
  readonly random: (sequence?: string) => number
  /** One line for whoever watches the relay. */
  readonly log: (text: string) => void
  /** The connection that it is set up for; null where it is only seen what it listens to. */
  readonly connection: ConnectionInfo | null
  /** The same map for every connection that this plugin sees: for what goes beyond one, such as every third request of all. */
  readonly shared: Map<string, unknown>
  /** A map of this connection's own, that outlives a change of the plugin's options. */
  readonly kept: Map<string, unknown>
  /**
   * Waits, for a hook that holds something back by itself. @returns false where it ended early: the plugin was taken out, its options have changed, or
   * the connection is over. What it holds it then lets go.
   */
  readonly sleep: (ms: number) => Promise<boolean>
  /** An event in the recording and the journal, tied to the connection, and to the message where one is named. */
  readonly tell: (text: string, facts?: { readonly bytes?: number, readonly delayMs?: number, readonly direction?: 'up' | 'down', readonly message?: Message }) => void
}

export interface PluginDefinition<Declarations extends OptionDeclarations = OptionDeclarations> {
  /** In lower case, with hyphens. */
  readonly name: string
  readonly description: string
  readonly options?: Declarations
  /** When a hook throws or doesn't return in time: `pass` (the default) lets the message go on unchanged, `cut` resets the connection. */
  readonly onError?: 'pass' | 'cut'
  /** Ms for a hook to return; 30,000 by default. */
  readonly timeout?: number
  /** Most bytes that wait before its `stream` stage while that holds others back; 128 KiB by default. */
  readonly window?: number
  /** Most bytes of a body that a body hook waits for; 10 MiB by default. */
  readonly bodyLimit?: number
  /** Called for each connection, and once more when the plugin is loaded, to see what it listens to. */
  readonly setup: (context: SetupContext<Declarations>) => Hooks
}

/** A plugin whatever its options are. */
export interface AnyPlugin extends Omit<PluginDefinition, 'setup'> {
  readonly setup: (context: never) => Hooks
}

/** Gives a plugin its types; the file's default export. */
export function definePlugin<const Declarations extends OptionDeclarations>(
  definition: PluginDefinition<Declarations>,
): PluginDefinition<Declarations> {
  return definition
}
