import { InvalidArgumentError, Option } from 'commander'

export type ProgressMode = 'auto' | 'tty' | 'plain' | 'json'

export const progressOption = () =>
  new Option('--progress <mode>', 'how to show what happens, on stderr; json also makes the result JSON')
    .choices(['auto', 'tty', 'plain', 'json'])
    .default('auto')

/** Options of every command that touches the store or a registry. */
export interface SessionOptions {
  readonly cacheDir?: string
  readonly insecureRegistry?: string[]
}

export const cacheOption = () =>
  new Option('--cache-dir <folder>', 'where layers and other fetched things are kept').env('OCIBAKE_CACHE_DIR')

export const insecureOption = () =>
  new Option('--insecure-registry <host...>', 'registries for plain http, or https without a known certificate')

/** Options of every command that reads a spec. */
export interface SpecOptions {
  readonly var?: Record<string, string>
  readonly platform?: string
  readonly tag?: string[]
}

export const varOption = () =>
  new Option('--var <name=value>', 'a variable for a spec that is a function; may be repeated').argParser(
    (text: string, before: Record<string, string> | undefined) => {
      const equals = text.indexOf('=')
      if (equals < 1) throw new InvalidArgumentError(`Write --var name=value, not '${text}'.`)
      return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
    },
  )

export const platformOption = () => new Option('--platform <os/arch>', 'for example linux/arm64; default: this machine')

export const sandboxOption = () => new Option('--sandbox <name>', 'where scripts run: auto, chroot').default('auto')
