/**
 * Every way ocibake can fail, and the exit code that each has: 1 the build failed, 2 the spec or the command line is
 * wrong, 3 network or credentials, 70 a bug of ours, 130 interrupted.
 */
export const EXIT_CODES = {
  USAGE: 2,
  SPEC_NOT_FOUND: 2,
  SPEC_UNREADABLE: 2,
  SPEC_INVALID: 2,
  REFERENCE_INVALID: 2,
  TEMPLATE_NOT_FOUND: 2,
  TEMPLATE_INVALID: 2,
  TEMPLATE_INCOMPLETE: 2,

  BASE_NOT_FOUND: 1,
  PLATFORM_MISSING: 1,
  MANIFEST_INVALID: 1,
  MANIFEST_UNSUPPORTED: 1,
  CONFIG_INVALID: 1,
  BLOB_MISMATCH: 1,
  DIFF_ID_MISMATCH: 1,
  LAYER_INVALID: 1,
  LAYOUT_INVALID: 1,

  REGISTRY_UNREACHABLE: 3,
  REGISTRY_UNAUTHORIZED: 3,
  REGISTRY_DENIED: 3,
  REGISTRY_NOT_FOUND: 3,
  REGISTRY_RATE_LIMITED: 3,
  REGISTRY_ERROR: 3,
  CREDENTIALS_UNREADABLE: 3,
  CREDENTIAL_HELPER_FAILED: 3,

  FETCH_FAILED: 3,
  FETCH_DENIED: 3,
  FETCH_NOT_FOUND: 3,
  FETCH_CHANGED: 3,
  CHECKSUM_MISMATCH: 1,

  ARCHIVE_INVALID: 1,
  ARCHIVE_UNSAFE: 1,
  UNPACK_NOTHING_MATCHED: 1,
  COPY_NOT_FOUND: 1,
  PATH_NOT_FOUND: 1,
  PATH_INVALID: 1,
  ACCOUNT_UNKNOWN: 1,
  FILE_CHANGED: 1,
  SECRET_FOUND: 1,

  SANDBOX_UNAVAILABLE: 1,
  RUN_FAILED: 1,
  RUN_TIMEOUT: 1,
  TOOL_MISSING: 1,
  TOOL_FAILED: 1,

  DISK_FULL: 1,
  STORE_CORRUPT: 1,
  OUTPUT_FAILED: 1,
  TOO_MANY_FILES: 1,
  INTERRUPTED: 130,
  INTERNAL: 70,
} as const

export type ErrorCode = keyof typeof EXIT_CODES

export interface ErrorDetail {
  /** What to do about it: the next thing to type. Rendered behind `->`. */
  readonly hint?: string
  /** Where it happened, for people: `specs/memcached.spec.ts, step 3 (unpack)`. */
  readonly where?: string
  /** The error that led to this one. Its message is shown with `--debug` only. */
  readonly cause?: unknown
}

/**
 * The one error class of ocibake: what was observed (the message, with got and want), where, and what to do.
 * Messages never hold credentials, query strings or raw control characters.
 */
export class OcibakeError extends Error {
  override readonly name = 'OcibakeError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly where: string | undefined

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? {} : { cause: detail.cause })
    this.code = code
    this.hint = detail.hint
    this.where = detail.where
  }

  get exitCode(): number {
    return EXIT_CODES[this.code]
  }

  /** The same error, saying where it happened; a place that is already there stays, being nearer to the fault. */
  at(where: string): OcibakeError {
    if (this.where !== undefined) return this
    const placed = new OcibakeError(this.code, this.message, { hint: this.hint!, where, cause: this.cause })
    if (this.stack !== undefined) placed.stack = this.stack
    return placed
  }
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC` …), or undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** What any thrown value says, in one line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
