import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { diagnose } from '../doctor/diagnose.ts'
import { renderDiagnosis } from '../doctor/render-diagnosis.ts'
import type { SnippetName } from '../doctor/snippets.ts'
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
 * Prints what was found. What is missing is no failure, except a sandbox that was named.
 * @throws SANDBOX_UNAVAILABLE after all was printed
 */
export async function doctorAction(options: DoctorActionOptions, around: Surroundings): Promise<void> {
  const diagnosis = await diagnose({
    ...around,
    cacheFolder: resolve(cacheFolder(options, around)),
    temporary: resolve(tmpdir()),
    sandbox: options.sandbox,
    ...(options.snippet === undefined ? {} : { snippet: options.snippet }),
  })
  const text = options.json === true ? `${JSON.stringify(diagnosis, null, 2)}\n` : renderDiagnosis(diagnosis)
  around.stdout(text)
  if (options.sandbox === 'auto' || diagnosis.refusal === null) return
  const { missing, hint } = diagnosis.refusal
  throw new OcibakeError('SANDBOX_UNAVAILABLE', `No sandbox for scripts works here: ${missing}.`, { hint })
}
