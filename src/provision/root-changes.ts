import { constants } from 'node:os'
import { join } from 'node:path'
import { OcibakeError, systemCode } from '../errors.ts'
import { type ByteString, display, fromBytes } from '../oci/name.ts'
import { writeError } from '../oci/write-error.ts'
import { helperAnswer } from './native-helper.ts'
import type { OnDisk, RefusedXattr, RootChange } from './root-change.ts'
import { recordsOf, sourcesOf } from './root-records.ts'

export interface ChangeOptions extends OnDisk {
  readonly signal: AbortSignal
}

const PATH_MAX = 4096
/** Descriptors of a child process that are taken. */
const STANDARD_STREAMS = 3

/**
 * Does all `changes`, which are gone through several times, in their order. After a failure some of them are done.
 * @throws DISK_FULL; PATH_INVALID for what this file system cannot hold; STORE_CORRUPT; the reason of the signal
 */
export async function changeRoot(
  root: string,
  changes: Iterable<RootChange>,
  options: ChangeOptions,
): Promise<RefusedXattr[]> {
  // Whoever looks at the root from outside needs absolute paths.
  for (const { path } of changes) if (root.length + 1 + path.length >= PATH_MAX) throw invalidPath(path, 'ENAMETOOLONG')
  const sources = sourcesOf(changes)
  const descriptors = sources.map(({ descriptor }) => descriptor)
  const input = recordsOf(changes, new Map(sources.map((file, i) => [file, i + STANDARD_STREAMS])), options)
  const chunks: Buffer[] = []
  try {
    const answer = helperAnswer({ verb: 'lay-out', folder: root, input, descriptors }, options.signal)
    for await (const chunk of answer) chunks.push(chunk)
  } catch (error) {
    throw failureIn(fieldsOf(chunks), root, error)
  }
  const fields = fieldsOf(chunks)
  return Array.from({ length: Math.floor(fields.length / 4) }, (_, i) => {
    const [, path = '', name = '', error = ''] = fields.slice(4 * i)
    return { path, name, error }
  })
}

const fieldsOf = (chunks: readonly Buffer[]) => fromBytes(Buffer.concat(chunks)).split('\0')

/** The answer ends with `failed PATH ERRNO` if the helper knows where it failed. */
function failureIn(fields: readonly string[], root: string, error: unknown): unknown {
  const at = fields.length - 4
  if (fields[at] !== 'failed') return error
  const [path = '', number = ''] = fields.slice(at + 1)
  const code = errnoName(Number(number))
  if (code === undefined) {
    return new OcibakeError('STORE_CORRUPT', `What the store has of /${display(path)} is not all of it.`, {
      hint: 'Run: ocibake cache verify',
      cause: error,
    })
  }
  if (['ENAMETOOLONG', 'EINVAL', 'EEXIST', 'EMLINK'].includes(code)) return invalidPath(path, code, error)
  const full = writeError(Object.assign(new Error(code, { cause: error }), { code }), join(root, 'x'))
  return systemCode(full) === undefined ? full : error
}

function errnoName(number: number): string | undefined {
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0]
}

function invalidPath(path: ByteString, code: string, cause?: unknown): OcibakeError {
  return new OcibakeError('PATH_INVALID', `/${display(path)} cannot be laid out for a script: ${code}.`, {
    hint: 'Choose another disk with --cache-dir, or remove the path in an earlier step.',
    cause,
  })
}
