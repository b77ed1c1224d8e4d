import { OcibakeError } from '../errors.ts'
import { parseLoginTarget } from '../registry/login.ts'
import { forgetLogins } from '../registry/logout.ts'
import type { Surroundings } from './surroundings.ts'

export interface LogoutActionOptions {
  readonly all?: boolean
  readonly authfile?: string
}

/** Forgets logins, and says which were where. */
export async function logoutAction(
  text: string | undefined,
  options: LogoutActionOptions,
  around: Surroundings,
): Promise<void> {
  if (options.all === true && text !== undefined) {
    throw new OcibakeError('USAGE', `logout takes a registry or --all, not both: '${text}'.`)
  }
  const target = options.all === true ? 'all' : parseLoginTarget(text ?? 'docker.io')
  const { env, home, signal } = around
  const files = options.authfile === undefined ? env : { ...env, REGISTRY_AUTH_FILE: options.authfile }
  const forgotten = await forgetLogins(target, { env: files, home }, signal)
  for (const { key, place } of forgotten) around.stdout(`${key}: logged out; gone from ${place}\n`)
  if (forgotten.length === 0) {
    around.stderr.write(
      `${target === 'all' ? 'Nobody is logged in anywhere.' : `Nobody is logged in to ${target.key}.`}\n`,
    )
  }
}
