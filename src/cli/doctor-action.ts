import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { diagnose } from '../doctor/diagnose.ts'
import { renderDiagnosis } from '../doctor/render-diagnosis.ts'
import { type SnippetName, snippet } from '../doctor/snippets.ts'
import { OcibakeError } from '../errors.ts'
import { cacheFolder } from './cache-folder.ts'
import type { Surroundings } from './surroundings.ts'

export interface DoctorActionOptions {
  readonly sandbox: string
  readonly snippet?: SnippetName
  readonly json?: boolean
  readonly cacheDir?: string
}

/**
 * Prints what was found, or the snippet that was named and nothing else. What is missing is no failure, except a
 * sandbox that was named, and a cache folder that no build can write to.
 * @throws SANDBOX_UNAVAILABLE, OUTPUT_FAILED, DISK_FULL after all was printed
 */
export async function doctorAction(options: DoctorActionOptions, around: Surroundings): Promise<void> {
  if (options.snippet !== undefined && options.json !== true) return around.stdout(snippet(options.snippet).text)
  const diagnosis = await diagnose({
    ...around,
    cacheFolder: resolve(cacheFolder(options, around)),
    temporary: resolve(tmpdir()),
    sandbox: options.sandbox,
    ...(options.snippet === undefined ? {} : { snippet: options.snippet }),
  })
  const text = options.json === true ? `${JSON.stringify(diagnosis, null, 2)}\n` : renderDiagnosis(diagnosis)
  around.stdout(text)
  const { obstacle, refusal } = diagnosis
  if (obstacle !== null) {
    throw new OcibakeError(obstacle.code, `No build works here: ${obstacle.missing}.`, { hint: obstacle.hint })
  }
  if (options.sandbox === 'auto' || refusal === null) return
  throw new OcibakeError('SANDBOX_UNAVAILABLE', `${refusal.missing}.`, { hint: refusal.hint })
}
