import { OcibakeError } from '../errors.ts'
import { retryAfter } from '../network/retry-after.ts'
import { brokenConnection, PassingFault } from './download.ts'

/** What an error of the AWS SDK tells about the answer, if there was one. */
interface Answer {
  readonly status: number | undefined
  /** S3's error code: 'NoSuchKey', 'AccessDenied' … */
  readonly name: string
  readonly headers: Readonly<Record<string, string>>
}

const EXPIRED: ReadonlySet<string> = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'])
const WRONG_KEYS: ReadonlySet<string> = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken'])
// A signature made by a clock that is wrong: the SDK has noted the server's time by now.
const PASSING: ReadonlySet<string> = new Set(['SlowDown', 'RequestTimeout', 'RequestTimeTooSkewed', 'InternalError'])

/** The region that the answer of another region's endpoint names as the bucket's. */
export function regionOf(error: unknown): string | undefined {
  const answer = answerOf(error)
  return answer?.headers['x-amz-bucket-region'] ?? (error as { Region?: string } | null)?.Region
}

/**
 * What to throw for an error of the AWS SDK: a PassingFault where another try may help. `what` is `s3://bucket/key`.
 * Nothing of the error's own message is used: it may name endpoints, keys and signatures.
 */
export function s3Failure(error: unknown, what: string): Error {
  if (error instanceof OcibakeError || error instanceof PassingFault) return error
  const answer = answerOf(error)
  if (answer === undefined)
    return error instanceof Error && isCredentials(error) ? noCredentials(what, error) : brokenConnection(error)
  const { status, name } = answer
  const said = status === undefined ? name : `${name}, ${status}`
  if (PASSING.has(name) || status === 429 || (status ?? 0) >= 500) {
    return new PassingFault(`S3 answered ${said}`, retryAfter(answer.headers['retry-after']), error)
  }
  if (status === 412) return changed(what)
  const fail = (code: 'FETCH_NOT_FOUND' | 'FETCH_DENIED' | 'FETCH_FAILED', observed: string, hint: string) =>
    new OcibakeError(code, `${what}: ${observed} (${said}).`, { hint, cause: error })
  if (name === 'NoSuchBucket')
    return fail('FETCH_NOT_FOUND', 'the bucket does not exist', 'Check the name of the bucket, and the endpoint.')
  if (name === 'NoSuchVersion') return fail('FETCH_NOT_FOUND', 'the object has no such version', 'Check versionId.')
  if (status === 404)
    return fail('FETCH_NOT_FOUND', 'the bucket has no such object', 'Check the key; it is case-sensitive.')
  if (EXPIRED.has(name))
    return fail(
      'FETCH_DENIED',
      'the AWS session has expired',
      'Log in again (aws sso login, or new AWS_SESSION_TOKEN).',
    )
  if (WRONG_KEYS.has(name))
    return fail(
      'FETCH_DENIED',
      'S3 does not accept the AWS keys',
      'Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile.',
    )
  if (name === 'InvalidObjectState')
    return fail('FETCH_DENIED', 'the object is archived', 'Restore it first: aws s3api restore-object.')
  if (status === 401 || status === 403) return fail('FETCH_DENIED', 'S3 denies access', DENIED_HINT)
  return fail('FETCH_FAILED', 'S3 refuses the request', 'Check bucket, key and versionId.')
}

const DENIED_HINT =
  'Allow s3:GetObject (with versionId: s3:GetObjectVersion), and s3:ListBucket to learn whether the key exists; or check which AWS credentials are in use.'

export function changed(what: string): OcibakeError {
  return new OcibakeError('FETCH_CHANGED', `${what} was replaced by another object while it was fetched.`, {
    hint: 'Run the same command again, or fix the version with versionId.',
  })
}

/** What to throw when the AWS SDK finds credentials but cannot load them. */
export function noCredentials(what: string, cause: unknown): OcibakeError {
  return new OcibakeError('FETCH_DENIED', `${what}: the AWS credentials could not be loaded.`, {
    hint: 'Check AWS_PROFILE and the AWS configuration files, or log in again (aws sso login).',
    cause,
  })
}

function isCredentials(error: Error): boolean {
  return /Credentials|Token|SSO/.test(error.name)
}

function answerOf(error: unknown): Answer | undefined {
  if (!(error instanceof Error)) return undefined
  const { $metadata, $response } = error as { $metadata?: { httpStatusCode?: number }; $response?: Partial<RawAnswer> }
  const status = $response?.statusCode ?? $metadata?.httpStatusCode
  return status === undefined ? undefined : { status, name: error.name, headers: $response?.headers ?? {} }
}

interface RawAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
}
