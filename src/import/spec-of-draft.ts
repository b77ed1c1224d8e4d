import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { messageOf, OcibakeError } from '../errors.ts'
import { type Draft, type DraftValue, FileText } from './draft.ts'
import { partKey, partsOf } from './text.ts'
import { usedVariables } from './used-variables.ts'
import { Mixed, type Text } from './value.ts'

export interface DraftContext {
  /** `--var name=value`; without one a variable has the draft's value, or that of its variable in `env`. */
  readonly vars: Readonly<Record<string, string | undefined>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where relative paths start. */
  readonly folder: string
}

/**
 * What the written spec of a draft exports, or its function returns; not yet validated.
 * @throws SPEC_UNREADABLE for a variable without a value, and for a file that cannot be read
 */
export function specOfDraft(draft: Draft, context: DraftContext): Record<string, unknown> {
  const values = new Map(usedVariables(draft).map((used) => [used.key, used]))
  const known = new Map<string, string>()
  const filled = (text: Text): string =>
    partsOf(text)
      .map((part) => (typeof part === 'string' ? part : current(partKey(part))))
      .join('')
  const current = (key: string): string => {
    const { name, value, fallback, env } = values.get(key)!
    const given = known.get(key) ?? context.vars[name] ?? (env === undefined ? undefined : context.env[env])
    const now = given ?? (fallback instanceof Mixed ? filled(fallback) : value)
    if (now === undefined) {
      throw new OcibakeError('SPEC_UNREADABLE', `${draft.name} needs the variable '${name}'.`, {
        hint: key.startsWith('unknown ')
          ? `Only Packer knows it. Write the spec by ocibake import, and build that with --var ${name}=…`
          : `Give it: --var ${name}=…`,
      })
    }
    known.set(key, now)
    return now
  }
  const plain = (value: DraftValue): unknown => {
    if (typeof value !== 'object') return value
    if (value instanceof Mixed) return filled(value)
    if (value instanceof FileText) return readText(value, filled(value.path), context.folder)
    if (Array.isArray(value)) return value.map(plain)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
  }
  return plain(fieldsOf(draft)) as Record<string, unknown>
}

/** The draft as the fields of a spec, in the order in which a spec has them. */
export function fieldsOf(draft: Draft): { readonly [field: string]: DraftValue } {
  const steps = draft.steps.flatMap(({ step }) => (step === undefined ? [] : [step]))
  return {
    from: draft.from,
    ...(draft.platform === undefined ? {} : { platform: draft.platform }),
    ...draft.others,
    ...(draft.steps.length === 0 ? {} : { steps }),
    ...(Object.keys(draft.config).length === 0 ? {} : { config: draft.config }),
    ...(draft.tags.length === 0 ? {} : { tags: draft.tags }),
  }
}

function readText({ crlf }: FileText, path: string, folder: string): string {
  try {
    const text = readFileSync(resolve(folder, path), 'utf8')
    return crlf ? text.replaceAll('\r\n', '\n') : text
  } catch (cause) {
    throw new OcibakeError('SPEC_UNREADABLE', `'${path}' cannot be read: ${messageOf(cause)}`, { cause })
  }
}
