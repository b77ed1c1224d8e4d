import type { DraftFields } from '../draft.ts'
import { joinTexts, knownText, partsOf, textOfPart } from '../text.ts'
import { Reference, type Text } from '../value.ts'
import type { Context } from './context.ts'
import type { Options } from './options.ts'

export interface RunEnvironment {
  readonly env: DraftFields
  readonly secrets: readonly DraftFields[]
}

/** `environment_vars` and `env` of a shell provisioner; of a name that is in both, `env` counts. */
export function runEnvironment(options: Options, context: Context): RunEnvironment {
  const listed = options.texts('environment_vars').map(({ text, place }) => ({ ...pairOf(text), place }))
  const mapped = options.fields('env').map(([name, value]) => ({ name, value, place: options.place('env') }))
  const env: Record<string, Text> = {}
  const secrets = new Map<string, DraftFields>()
  for (const { name, value, place } of [...listed, ...mapped]) {
    const source = secretSource(value, context)
    secrets.delete(name)
    delete env[name]
    if (source !== undefined && /^[A-Za-z_]\w*$/.test(name)) {
      secrets.set(name, { id: name.toLowerCase(), source: `env:${source}`, env: name })
      const advice = `It is a secret of the step, taken from ${source} in the environment of whoever builds.`
      context.notes.add('OB152', place, `\`${name}\` of the script's environment is secret.`, advice)
    } else if (/^[A-Za-z_]\w*$/.test(name)) {
      env[name] = value
      context.notes.add('OB152', place, `\`${name}\` of the script's environment`, 'In `env` of the step.')
    } else {
      context.notes.add('OB183', place, 'A variable has no name that a shell knows.', 'Write NAME=value.')
    }
  }
  return { env, secrets: [...secrets.values()] }
}

/** The text is the value of a secret variable, and nothing else. */
function secretSource(value: Text, { secrets }: Context): string | undefined {
  const [part, ...others] = partsOf(value)
  return others.length === 0 && part instanceof Reference ? secrets.get(part.variable) : undefined
}

/** `NAME=value`. */
export function pairOf(text: Text): { name: string; value: Text } {
  const [first = '', ...rest] = partsOf(text)
  const equals = typeof first === 'string' ? first.indexOf('=') : -1
  if (typeof first !== 'string' || equals < 0) return { name: knownText(text) ?? '', value: '' }
  return { name: first.slice(0, equals), value: joinTexts(first.slice(equals + 1), ...rest.map(textOfPart)) }
}
