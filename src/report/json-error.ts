import { OcibakeError } from '../errors.ts'
import { hintOf, stackOf } from './render-error.ts'

/**
 * An error as one line of JSON, among the events: `{"type":"error","code":"RUN_FAILED","message":…,"where"?,"hint"?,
 * "exitCode":1}`. `exitCode` is what the process ends with.
 */
export function jsonError(error: unknown, exitCode: number): string {
  const known = error instanceof OcibakeError
  return `${JSON.stringify({
    type: 'error',
    code: known ? error.code : 'INTERNAL',
    message: known ? error.message : stackOf(error),
    ...(known && error.where !== undefined ? { where: error.where } : {}),
    hint: known ? hintOf(error) : 'Please report it with the command that you ran.',
    exitCode,
  })}\n`
}
