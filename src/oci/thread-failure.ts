import { type ErrorCode, messageOf, OcibakeError, systemCode } from '../errors.ts'

/** What a thread says of an error: errors that go from thread to thread keep their message alone. */
export interface ThreadFailure {
  readonly message: string
  /** Of an OcibakeError. */
  readonly code?: ErrorCode
  readonly hint?: string | undefined
  /** Of a Node system error: ENOSPC and the like. */
  readonly system?: string | undefined
}

export function failureOf(error: unknown): ThreadFailure {
  const message = messageOf(error)
  if (error instanceof OcibakeError) return { message, code: error.code, hint: error.hint }
  return { message, system: systemCode(error) }
}

/** What to throw where the thread was asked. */
export function errorOf({ message, code, hint, system }: ThreadFailure): Error {
  if (code !== undefined) return new OcibakeError(code, message, hint === undefined ? {} : { hint })
  return Object.assign(new Error(message), system === undefined ? {} : { code: system })
}
