import { InvalidArgumentError, Option } from 'commander'

export type ProgressMode = 'auto' | 'tty' | 'plain' | 'json'

export const progressOption = () =>
  new Option('--progress <mode>', 'how to show what happens, on stderr; json makes the result and errors JSON too')
    .choices(['auto', 'tty', 'plain', 'json'])
    .default('auto')

/** Options of every command that touches the store or a registry. */
export interface SessionOptions {
  readonly cacheDir?: string
  readonly insecureRegistry?: string[]
  readonly mirror?: string[]
  readonly mirrorFallback?: boolean
}

export const cacheOption = () =>
  new Option('--cache-dir <folder>', 'where layers are kept; default: $OCIBAKE_CACHE_DIR, else ~/.cache/ocibake')

/** How large the cache may be after a build. */
export interface CacheBoundOptions {
  /** As it was written. */
  readonly cacheMaxSize?: string
}

export const cacheBoundOption = () =>
  new Option(
    '--cache-max-size <size>',
    'what the cache may have when the build is over, or none; default: $OCIBAKE_CACHE_MAX_SIZE, else 20GB',
  )

/** What other machines keep, or are kept, as commander gives it. */
export interface CacheRepoOptions {
  /** As it was written. */
  readonly cacheRepo?: string
  /** false with --no-push-cache. */
  readonly pushCache?: boolean
}

export const cacheRepoOption = () =>
  new Option(
    '--cache-repo <repository>',
    'a repository of a registry that keeps what is made for other machines; default: $OCIBAKE_CACHE_REPO, else none',
  )

export const noPushCacheOption = () =>
  new Option('--no-push-cache', 'take from --cache-repo, and put nothing there; so with $OCIBAKE_NO_PUSH_CACHE')

export const insecureOption = () =>
  repeated('--insecure-registry <host>', 'a registry to speak plain http with, or https without a known certificate')

export const mirrorOption = () =>
  repeated('--mirror <host=mirror>', 'a registry to pull from instead of another, before it')

export const mirrorFallbackOption = () =>
  new Option('--no-mirror-fallback', 'pull from the mirrors of a registry alone, where it has some')

/** An option of which each use adds one value: commander's own `<value...>` would swallow the arguments behind it. */
export function repeated(flags: string, description: string): Option {
  const collect = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value]
  return new Option(flags, `${description}; may be repeated`).argParser(collect)
}

/** Options of every command that reads a spec. */
export interface SpecOptions {
  readonly var?: Record<string, string>
  /** Each use of the option, with its commas. */
  readonly platform?: string[]
  readonly tag?: string[]
  readonly varFile?: string[]
  readonly mapBase?: ReadonlyMap<string, string>
  readonly ignoreTodos?: boolean
}

export const varOption = () =>
  new Option('--var <name=value>', 'a variable for a spec that is a function; may be repeated').argParser(
    (text: string, before: Record<string, string> | undefined) => {
      const equals = text.indexOf('=')
      if (equals < 1) throw new InvalidArgumentError(`Write --var name=value, not '${text}'.`)
      return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
    },
  )

export const varFileOption = () => repeated('--var-file <file>', 'a file of variables for a Packer template')

/** By the name of a source; '' for every other. */
export const mapBaseOption = () =>
  new Option(
    '--map-base <[source=]image>',
    'the image for a source of a Packer template, instead of its own; may be repeated',
  ).argParser((text: string, before: ReadonlyMap<string, string> | undefined) => {
    const [, name = '', image = ''] = /^(?:([^=/:@]+)=)?(.+)$/.exec(text) ?? []
    if (image === '')
      throw new InvalidArgumentError(`Write --map-base IMAGE or --map-base SOURCE=IMAGE, not '${text}'.`)
    return new Map([...(before ?? []), [name, image]])
  })

export const ignoreTodosOption = () =>
  new Option('--ignore-todos', 'take a Packer template although parts of it cannot be imported')

export const platformOption = () => new Option('--platform <os/arch>', 'for example linux/arm64; default: this machine')

export const platformsOption = () =>
  repeated(
    '--platform <os/arch,…>',
    'for example linux/arm64, or linux/amd64,linux/arm64 for both; default: this machine',
  )

export const noCacheOption = () =>
  new Option('--no-cache', 'run every script and read every file again; what comes of it is kept for later builds')

export const noCacheFromOption = () =>
  new Option('--no-cache-from <step>', 'the same from this step on: its number, or run:2 for the second of a verb')

/** As commander gives them. */
export interface CacheUseOptions {
  /** false with --no-cache. */
  readonly cache?: boolean
  /** The step of --no-cache-from; commander says true where it was not given. */
  readonly cacheFrom?: string | true
}

/** `auto`, and the names in provision/choose-sandbox.ts, which a start of the command line need not load. */
export const SANDBOXES = ['auto', 'chroot', 'userns', 'ptrace', 'proot']

export const sandboxOption = () =>
  new Option('--sandbox <name>', 'where scripts run').choices(SANDBOXES).default('auto')

/** SNIPPET_NAMES of doctor/snippets.ts, which a start of the command line need not load. */
export const SNIPPETS = ['gitlab', 'github', 'kubernetes']
