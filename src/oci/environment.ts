import { OcibakeError } from '../errors.ts'
import { expandVariables } from './expand-variables.ts'

/** What Docker, containerd and podman give a container whose image sets no PATH. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The name of a `NAME=value` pair of an image's `Env`. */
export function variableName(pair: string): string {
  const equals = pair.indexOf('=')
  return equals < 0 ? pair : pair.slice(0, equals)
}

/**
 * The pairs with the changes in them: a known name is replaced where it is, a new one added behind. Each value is
 * expanded against the pairs and the changes before it, in the order of the object; `PATH` counts as `DEFAULT_PATH`
 * there while nobody set it.
 * @throws SPEC_INVALID for a name that no environment can hold, NUL, or an expansion of an unknown form
 */
export function changeEnvironment(pairs: readonly string[], changes: Readonly<Record<string, string>>): string[] {
  const values = new Map([['PATH', DEFAULT_PATH]])
  for (const pair of pairs) values.set(variableName(pair), pair.slice(variableName(pair).length + 1))
  let changed = [...pairs]
  for (const [name, text] of Object.entries(changes)) {
    const value = expandVariables(text, values, `config.env.${shown(name)}`)
    if (name === '' || /[=\0]/.test(name) || value.includes('\0')) {
      throw new OcibakeError(
        'SPEC_INVALID',
        `config.env has '${shown(name)}', whose name or value no environment can hold.`,
      )
    }
    values.set(name, value)
    changed = replaced(changed, name, `${name}=${value}`)
  }
  return changed
}

/** A base may have a name twice; what is set counts, so all of them make place for one. */
function replaced(pairs: readonly string[], name: string, pair: string): string[] {
  const first = pairs.findIndex((other) => variableName(other) === name)
  if (first < 0) return [...pairs, pair]
  return pairs.with(first, pair).filter((other, i) => i === first || variableName(other) !== name)
}

function shown(name: string): string {
  return name.slice(0, 80).replace(/[^\x20-\x7e]/g, '?')
}
