import { resolve, sep } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { formatReference } from '../oci/reference.ts'
import { formatTransport, isStdout, type Transport } from '../oci/transport.ts'
import type { Plan } from '../spec/plan.ts'

/** One spec of a command, and where its image, or the index of its images, goes beside its tags. */
export interface Job {
  /** Of one of its platforms: the tags of all are the same. */
  readonly plan: Plan
  readonly outputs: readonly Transport[]
}

/**
 * Lets pass only what keeps every image: two images for one place would leave the last, and say that both are there.
 * @throws USAGE naming both specs and the place
 */
export function refuseCollisions(jobs: readonly Job[], push: boolean): void {
  const taken = new Map<string, { plan: Plan; shown: string }>()
  for (const { plan, outputs } of jobs) {
    const tags = push ? plan.tags.map((reference): Transport => ({ kind: 'docker', reference })) : []
    for (const output of [...tags, ...outputs]) {
      const shown = formatTransport(output)
      const other = taken.get(placeOf(output))
      taken.set(placeOf(output), { plan, shown })
      // The same image in the same form is the same bytes.
      if (other === undefined || (other.plan === plan && other.shown === shown)) continue
      const both = other.plan === plan ? `${plan.file} goes twice` : `${other.plan.file} and ${plan.file} both go`
      const place = other.shown === shown ? shown : `one place, ${other.shown} and ${shown}`
      throw new OcibakeError('USAGE', `${both} to ${place}; the second would replace the first.`, {
        hint: 'Build them one by one, each with its own --output or --tag; two specs of one name need `name`.',
      })
    }
  }
}

/** A file that a command writes beside the images. */
export interface NamedFile {
  readonly option: '--sbom' | '--metadata-file'
  readonly file: string | undefined
}

/** As `refuseCollisions`, for files that would replace an image or a part of one. @throws USAGE naming file and output */
export function refuseFileCollisions(jobs: readonly Job[], files: readonly NamedFile[]): void {
  for (const { option, file } of files) {
    if (file === undefined) continue
    const output = jobs.flatMap(({ outputs }) => outputs).find((one) => isIn(resolve(file), one))
    if (output === undefined) continue
    throw new OcibakeError(
      'USAGE',
      `${option} ${file} would be written into the image at ${formatTransport(output)}.`,
      {
        hint: 'Give it a file of its own.',
      },
    )
  }
}

/** Whether a path is an output, or is in the folder that one is. */
function isIn(path: string, output: Transport): boolean {
  if (output.kind === 'docker' || isStdout(output)) return false
  if (output.kind !== 'oci') return path === resolve(output.file)
  const folder = resolve(output.folder)
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)
}

/** What an image replaces when it is written there. */
function placeOf(output: Transport): string {
  if (output.kind === 'docker') return `docker://${formatReference(output.reference)}`
  if (output.kind === 'oci') return `${resolve(output.folder)}:${output.tag ?? ''}`
  return isStdout(output) ? output.file : resolve(output.file)
}
