import { OcibakeError } from '../errors.ts'
import { isJsonObject } from '../oci/json.ts'
import type { Credentials } from './credential-file.ts'
import { redact } from './redact.ts'

const PATIENCE = 60_000
const LARGEST_ANSWER = 1 << 20

/** The user name by which helpers say that the secret is an identity token. */
const TOKEN_USER = '<token>'

/**
 * What the program `docker-credential-NAME` on the PATH of `env` knows about `server`, or undefined if it knows
 * nothing. It runs with `env` and no other variable.
 * @throws CREDENTIAL_HELPER_FAILED (protocol: github.com/docker/docker-credential-helpers, README, "Development")
 */
export async function askHelper(
  name: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credentials | undefined> {
  const { execa } = await import('execa')
  const program = `docker-credential-${name}`
  const result = await execa(program, ['get'], {
    input: `${server}\n`,
    env: { ...env },
    extendEnv: false,
    reject: false,
    timeout: PATIENCE,
    maxBuffer: LARGEST_ANSWER,
  })
  if (result.failed) {
    if (/credentials not found/i.test(`${result.stdout}${result.stderr}`)) return undefined
    throw failed(program, server, explain(result))
  }
  return readAnswer(result.stdout, program, server)
}

interface HelperResult {
  readonly code?: string | undefined
  readonly exitCode?: number | undefined
  readonly timedOut: boolean
  readonly isMaxBuffer: boolean
  readonly stdout: string
  readonly stderr: string
}

function explain(result: HelperResult): string {
  if (result.code === 'ENOENT') return 'is not on the PATH'
  if (result.timedOut) return `did not answer within ${PATIENCE / 1000} seconds`
  if (result.isMaxBuffer) return `answered more than ${LARGEST_ANSWER} bytes`
  if (result.exitCode === undefined) return `could not be run (${result.code ?? 'killed'})`
  const words = redact(result.stdout || result.stderr)
  return `ended with exit code ${result.exitCode}${words === '' ? '' : `: ${words}`}`
}

function readAnswer(stdout: string, program: string, server: string): Credentials | undefined {
  let answer: unknown
  try {
    answer = JSON.parse(stdout)
  } catch {
    // Nothing of it is shown: it is where the secret would be.
    throw failed(program, server, 'answered something that is no JSON')
  }
  const { Username: username, Secret: secret } = isJsonObject(answer) ? answer : {}
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw failed(program, server, 'answered without Username and Secret')
  }
  if (secret === '') return undefined
  if (username === TOKEN_USER) return { kind: 'identity', token: secret, source: program }
  return { kind: 'password', username, password: secret, source: program }
}

function failed(program: string, server: string, how: string): OcibakeError {
  return new OcibakeError('CREDENTIAL_HELPER_FAILED', `${program}, asked for ${redact(server)}, ${how}.`, {
    hint: `Install or repair ${program}, or take its name out of credHelpers and credsStore in the credentials file.`,
  })
}
