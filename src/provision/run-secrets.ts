import { readFile } from 'node:fs/promises'
import { OcibakeError, systemCode } from '../errors.ts'
import { type SecretValue, valuesOf } from '../secrets/secret-values.ts'
import type { Account } from './accounts.ts'
import type { SecretFile } from './sandbox.ts'
import type { SecretSource } from './secret-source.ts'

/** The secrets of one `run` step, read. */
export interface RunSecrets {
  readonly env: Readonly<Record<string, string>>
  readonly files: ReadonlyMap<string, SecretFile>
  /** The line with every value replaced by `***`. */
  redact(line: string): string
}

/**
 * Reads what `secrets` name. Files belong to the account that runs the script, mode 0400.
 * @throws USAGE for a variable that is not set; SPEC_INVALID for a value that no variable can hold
 */
export async function readSecrets(
  secrets: readonly SecretSource[],
  callerEnv: Readonly<Record<string, string | undefined>>,
  account: Account,
): Promise<RunSecrets> {
  const env: Record<string, string> = {}
  const files = new Map<string, SecretFile>()
  const values: string[] = []
  for (const secret of secrets) {
    const bytes = await readSource(secret, callerEnv)
    const text = bytes.toString('utf8')
    values.push(...redacted(text))
    const file = secret.file ?? (secret.env === undefined ? `/run/secrets/${secret.id}` : undefined)
    if (file !== undefined) files.set(file, { bytes, mode: 0o400, uid: account.uid, gid: account.gid })
    if (secret.env !== undefined) env[secret.env] = asVariable(secret, text)
  }
  // Longer ones first: one value may be a part of another.
  const longestFirst = [...new Set(values)].sort((a, b) => b.length - a.length)
  return {
    env,
    files,
    redact: (line) => longestFirst.reduce((text, value) => text.replaceAll(value, '***'), line),
  }
}

/** The values of secrets, for those who must not have them. @throws as `readSecrets` */
export async function secretValues(
  secrets: readonly SecretSource[],
  callerEnv: Readonly<Record<string, string | undefined>>,
): Promise<SecretValue[]> {
  const read = secrets.map(async (secret) => {
    return valuesOf(`the secret '${secret.id}'`, await readSource(secret, callerEnv))
  })
  return (await Promise.all(read)).flat()
}

async function readSource({ id, source }: SecretSource, env: Readonly<Record<string, string | undefined>>) {
  const [, kind, name = ''] = /^(env|file):(.*)$/s.exec(source) ?? []
  if (kind === 'env') {
    const value = env[name]
    if (value !== undefined) return Buffer.from(value)
    throw new OcibakeError('USAGE', `The secret '${id}' comes from the variable ${name}, which is not set.`, {
      hint: `Set it: ${name}=… ocibake build …`,
    })
  }
  try {
    return await readFile(name)
  } catch (error) {
    const code = systemCode(error) ?? 'unknown'
    throw new OcibakeError('USAGE', `The file of the secret '${id}' cannot be read: ${code}.`, {
      hint: `Check its source: ${source}`,
      cause: error,
    })
  }
}

function asVariable({ id, env }: SecretSource, text: string): string {
  // A file that an editor saved ends in a newline that is no part of the value; $(cat file) drops it too.
  const value = text.replace(/\r?\n$/, '')
  if (!value.includes('\0')) return value
  throw new OcibakeError('SPEC_INVALID', `The secret '${id}' holds a NUL byte, which the variable ${env} cannot.`, {
    hint: 'Use `file` instead of `env`.',
  })
}

/** Output comes by lines, so the lines of a value (a key in PEM) are looked for one by one, the very short ones left out. */
function redacted(text: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => line !== '')
  return lines.length <= 1 ? lines : lines.filter((line) => line.length >= 4)
}
