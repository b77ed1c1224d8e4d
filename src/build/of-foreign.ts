import { OcibakeError } from '../errors.ts'
import { formatPlatform, hostPlatform, type Platform } from '../oci/platform.ts'

/** What the kernel, and shells, say of a program for another processor. */
const SAYS = /exec format error|cannot execute binary file/i

/** The error of a step, saying why a script of another platform could not run. */
export function ofForeign(error: OcibakeError, platform: Platform): OcibakeError {
  const host = hostPlatform()
  const isForeign = platform.architecture !== host.architecture
  if (error.code !== 'RUN_FAILED' || !isForeign || !SAYS.test(error.message)) return error
  const why = `The image is for ${formatPlatform(platform)}, and this machine is ${formatPlatform(host)}.`
  const what = 'Its programs run here if the kernel has an emulator for them: binfmt_misc with qemu-user-static.'
  const hint = [`${why} ${what}`, error.hint].filter((line) => line !== undefined).join('\n')
  return new OcibakeError(error.code, error.message, { hint, cause: error })
}
