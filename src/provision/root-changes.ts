import { constants } from 'node:os'
import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { SliceFile } from '../oci/content.ts'
import { display, fromBytes } from '../oci/name.ts'
import { writeError } from '../oci/write-error.ts'
import { helperAnswer } from './native-helper.ts'
import type { OnDisk, RefusedXattr, RootChange } from './root-change.ts'
import { invalidPath, recordsOf } from './root-records.ts'

export interface ChangeOptions extends OnDisk {
  readonly signal: AbortSignal
}

/** Descriptors of a child process that are taken. */
const STANDARD_STREAMS = 3

/**
 * Does all `changes` in their order. After a failure some of them are done.
 * @param sources every file of which contents are slices
 * @throws DISK_FULL; PATH_INVALID for what this file system cannot hold; STORE_CORRUPT; the reason of the signal
 */
export async function changeRoot(
  root: string,
  changes: Iterable<RootChange>,
  sources: Iterable<SliceFile>,
  options: ChangeOptions,
): Promise<RefusedXattr[]> {
  const files = [...sources]
  const descriptors = files.map(({ descriptor }) => descriptor)
  const numbers = new Map(files.map((file, i) => [file, i + STANDARD_STREAMS]))
  const input = recordsOf(root, changes, numbers, options)
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
  return full instanceof OcibakeError ? full : error
}

function errnoName(number: number): string | undefined {
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0]
}
