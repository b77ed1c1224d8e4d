import type { DraftFields } from '../../draft.ts'
import { absolutePath } from './items-of-script.ts'

/** What a `tar` of a script extracts. */
export interface TarCommand {
  /** In the image; undefined: standard input. */
  readonly archive: string | undefined
  /** Where to. */
  readonly to: string
  /** Of an `unpack` step, beside `unpack` and `to`. */
  readonly fields: DraftFields
}

const LETTERS = 'xvzjJpof'
const LONG_FLAGS = new Set([
  ...['--extract', '--get', '--gzip', '--gunzip', '--bzip2', '--xz', '--zstd', '--auto-compress', '--verbose'],
  ...['--preserve-permissions', '--same-permissions', '--same-owner', '--no-same-owner', '--wildcards'],
])

interface Options {
  readonly flags: Set<string>
  readonly values: Map<string, string[]>
  readonly members: string[]
}

/** undefined when it does anything but extract an archive as `unpack` does. */
export function readTar(words: readonly string[], cwd: string | undefined): TarCommand | undefined {
  if (!/^(\/(usr\/)?bin\/)?tar$/.test(words[0] ?? '')) return undefined
  const options = readOptions(words.slice(1))
  if (
    options === undefined ||
    !(options.flags.has('x') || options.flags.has('--extract') || options.flags.has('--get'))
  )
    return undefined
  const { flags, values, members } = options
  const only = (name: string) => values.get(name)?.at(-1)
  const folder = values.get('-C')
  const to =
    folder === undefined ? absolutePath('.', cwd) : folder.length === 1 ? absolutePath(folder[0]!, cwd) : undefined
  const file = only('-f') ?? '-'
  const archive = file === '-' ? undefined : absolutePath(file, cwd)
  const strip = Number(only('--strip-components') ?? 0)
  const isPattern = members.some((member) => /[*?[\\]/.test(member))
  if (to === undefined || (file !== '-' && archive === undefined) || !Number.isInteger(strip)) return undefined
  // Names without the option are taken as they are, and patterns in them are none.
  if ((isPattern && !flags.has('--wildcards')) || values.get('--exclude')?.some((one) => one.includes('\\')))
    return undefined
  const keepsOwners = !flags.has('--no-same-owner') && !flags.has('o')
  return {
    archive,
    to,
    fields: {
      ...(strip === 0 ? {} : { stripComponents: strip }),
      ...(members.length === 0 ? {} : { wildcards: members }),
      ...(values.has('--exclude') ? { exclude: values.get('--exclude')! } : {}),
      ...(keepsOwners ? { owner: 'archive' } : {}),
    },
  }
}

function readOptions(words: readonly string[]): Options | undefined {
  const options: Options = { flags: new Set(), values: new Map(), members: [] }
  const value = (name: string, text: string | undefined) => {
    if (text !== undefined) options.values.set(name, [...(options.values.get(name) ?? []), text])
    return text !== undefined
  }
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    const [name = '', inline] = word.split(/=(.*)/s)
    if (word === '-C' || name === '--directory') {
      if (!value('-C', inline ?? words[++at])) return undefined
    } else if (name === '--strip-components' || name === '--strip') {
      if (!value('--strip-components', inline ?? words[++at])) return undefined
    } else if (name === '--exclude' || name === '--file') {
      if (!value(name === '--file' ? '-f' : name, inline ?? words[++at])) return undefined
    } else if (word.startsWith('--')) {
      if (!LONG_FLAGS.has(word)) return undefined
      options.flags.add(word)
    } else if (word.startsWith('-') || at === 0) {
      const letters = [...word.replace(/^-/, '')]
      if (letters.length === 0 || letters.some((letter) => !LETTERS.includes(letter))) return undefined
      for (const letter of letters) options.flags.add(letter)
      // `f` takes the next word, whatever letters stand behind it in the old style.
      if (letters.includes('f') && (letters.at(-1) !== 'f' && word.startsWith('-') ? true : !value('-f', words[++at])))
        return undefined
    } else options.members.push(word)
  }
  return options
}
