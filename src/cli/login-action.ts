import { OcibakeError } from '../errors.ts'
import { anonymous } from '../registry/credentials.ts'
import { keepLogin, type Login, type LoginTarget, parseLoginTarget, verifyLogin } from '../registry/login.ts'
import type { SessionOptions } from './options.ts'
import { startProgress } from './progress.ts'
import { askSecret, askText, readAll } from './prompt.ts'
import { openConnection } from './session.ts'
import type { Surroundings } from './surroundings.ts'

export interface LoginActionOptions extends Pick<SessionOptions, 'insecureRegistry'> {
  readonly username?: string
  readonly passwordStdin?: boolean
  readonly verify: boolean
  readonly authfile?: string
}

/** Keeps a login that the registry takes, and says where. */
export async function loginAction(text: string, options: LoginActionOptions, around: Surroundings): Promise<void> {
  const target = parseLoginTarget(text)
  const login = await loginFor(target, options, around)
  const unchecked = options.verify && !(await isChecked(target, login, options, around))
  const { env, home, signal, stderr } = around
  const files = options.authfile === undefined ? env : { ...env, REGISTRY_AUTH_FILE: options.authfile }
  const { place, shadowedBy } = await keepLogin(target, login, { env: files, home }, signal)
  around.stdout(`${target.key}: logged in as '${login.username}'; kept in ${place}\n`)
  if (unchecked) stderr.write(`${target.registry} lets everybody in: the password could not be checked.\n`)
  if (shadowedBy !== undefined) stderr.write(`As long as ${shadowedBy} is set, it is used instead.\n`)
}

async function loginFor({ key }: LoginTarget, options: LoginActionOptions, around: Surroundings): Promise<Login> {
  if (options.passwordStdin === true && options.username === undefined) {
    throw new OcibakeError('USAGE', '--password-stdin needs --username.')
  }
  const username = options.username ?? (await askText(`User name for ${key}: `, around))
  if (username === '' || username.includes(':')) {
    throw new OcibakeError('USAGE', 'A user name is not empty and has no colon.')
  }
  const password =
    options.passwordStdin === true ? await readAll(around) : await askSecret(`Password for ${username}: `, around)
  if (password === '') throw new OcibakeError('USAGE', 'The password is empty.')
  return { kind: 'password', username, password, source: 'this login' }
}

async function isChecked(
  target: LoginTarget,
  login: Login,
  options: LoginActionOptions,
  around: Surroundings,
): Promise<boolean> {
  using progress = await startProgress('plain', around)
  const connection = openConnection(options, around, progress.report, () => anonymous)
  try {
    const { registry, namespace } = target
    const own = await connection.toOwn({ registry, repository: namespace })
    const endpoint = await own.endpoint(registry, around.signal)
    return await verifyLogin({ transport: own.transport, endpoint }, target, login, around.signal)
  } finally {
    connection.close()
  }
}
