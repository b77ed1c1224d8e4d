import { OcibakeError } from '../errors.ts'
import { isJsonObject } from '../oci/json.ts'
import type { Credentials } from './credential-file.ts'
import { redact } from './redact.ts'

const PATIENCE = 60_000
const LARGEST_ANSWER = 1 << 20

/** The user name by which helpers say that the secret is an identity token. */
const TOKEN_USER = '<token>'

type Env = Readonly<Record<string, string | undefined>>

/**
 * What the program `docker-credential-NAME` on the PATH of `env` knows about `server`, or undefined if it knows
 * nothing. It runs with `env` and no other variable.
 * @throws CREDENTIAL_HELPER_FAILED (protocol: github.com/docker/docker-credential-helpers, README, "Development")
 */
export async function askHelper(name: string, server: string, env: Env): Promise<Credentials | undefined> {
  const result = await runHelper(name, 'get', `${server}\n`, env)
  if (isUnknown(result)) return undefined
  if (result.failed) throw failed(name, server, explain(result))
  return readAnswer(result.stdout, name, server)
}

/** Gives a helper a password to keep, which travels by a pipe. @throws CREDENTIAL_HELPER_FAILED */
export async function storeInHelper(
  name: string,
  server: string,
  { username, password }: { readonly username: string; readonly password: string },
  env: Env,
): Promise<void> {
  const input = JSON.stringify({ ServerURL: server, Username: username, Secret: password })
  const result = await runHelper(name, 'store', input, env)
  if (result.failed) throw failed(name, server, explain(result))
}

/** Makes a helper forget a server. @returns whether it knew it @throws CREDENTIAL_HELPER_FAILED */
export async function eraseFromHelper(name: string, server: string, env: Env): Promise<boolean> {
  if ((await askHelper(name, server, env)) === undefined) return false
  const result = await runHelper(name, 'erase', `${server}\n`, env)
  if (result.failed && !isUnknown(result)) throw failed(name, server, explain(result))
  return true
}

interface HelperResult {
  readonly failed: boolean
  readonly code?: string | undefined
  readonly exitCode?: number | undefined
  readonly timedOut: boolean
  readonly isMaxBuffer: boolean
  readonly stdout: string
  readonly stderr: string
}

async function runHelper(name: string, action: string, input: string, env: Env): Promise<HelperResult> {
  const { execa } = await import('execa')
  return execa(`docker-credential-${name}`, [action], {
    input,
    env: { ...env },
    extendEnv: false,
    reject: false,
    timeout: PATIENCE,
    maxBuffer: LARGEST_ANSWER,
  })
}

function isUnknown({ failed, stdout, stderr }: HelperResult): boolean {
  return failed && /credentials not found/i.test(`${stdout}${stderr}`)
}

function explain(result: HelperResult): string {
  if (result.code === 'ENOENT') return 'is not on the PATH'
  if (result.timedOut) return `did not answer within ${PATIENCE / 1000} seconds`
  if (result.isMaxBuffer) return `answered more than ${LARGEST_ANSWER} bytes`
  if (result.exitCode === undefined) return `could not be run (${result.code ?? 'killed'})`
  const words = redact(result.stdout || result.stderr)
  return `ended with exit code ${result.exitCode}${words === '' ? '' : `: ${words}`}`
}

function readAnswer(stdout: string, name: string, server: string): Credentials | undefined {
  let answer: unknown
  try {
    answer = JSON.parse(stdout)
  } catch {
    // Nothing of it is shown: it is where the secret would be.
    throw failed(name, server, 'answered something that is no JSON')
  }
  const { Username: username, Secret: secret } = isJsonObject(answer) ? answer : {}
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw failed(name, server, 'answered without Username and Secret')
  }
  if (secret === '') return undefined
  const source = `docker-credential-${name}`
  if (username === TOKEN_USER) return { kind: 'identity', token: secret, source }
  return { kind: 'password', username, password: secret, source }
}

function failed(name: string, server: string, how: string): OcibakeError {
  const program = `docker-credential-${name}`
  return new OcibakeError('CREDENTIAL_HELPER_FAILED', `${program}, asked for ${redact(server)}, ${how}.`, {
    hint: `Install or repair ${program}, or take its name out of credHelpers and credsStore in the credentials file, or of registries.conf.`,
  })
}
