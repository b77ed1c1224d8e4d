import { resolve } from 'node:path'
import type { SbomOptions } from '../build/sbom.ts'
import { OcibakeError } from '../errors.ts'
import type { Job } from './refuse-collisions.ts'
import type { Surroundings } from './surroundings.ts'

/** The options about a list of what is in an image, as commander gives them. */
export interface SbomCliOptions {
  readonly sbom?: string
  readonly attachSbom?: boolean
}

/**
 * What is to become of the lists of all images; undefined when nobody wants one.
 * @throws USAGE for one file and several images, for two files in one place, and where nothing is pushed that a list could
 * be beside
 */
export function sbomOptions(
  jobs: readonly Job[],
  {
    sbom: file,
    attachSbom: attach = false,
    push,
    metadataFile,
  }: SbomCliOptions & Readonly<{ push?: boolean; metadataFile?: string }>,
  { version }: Surroundings,
): SbomOptions | undefined {
  if (file !== undefined && jobs.length > 1) {
    throw new OcibakeError('USAGE', `--sbom ${file} is about one image, and this command builds ${jobs.length}.`, {
      hint: 'Build them one by one, each with a file of its own; --attach-sbom works for several.',
    })
  }
  if (file !== undefined && metadataFile !== undefined && resolve(file) === resolve(metadataFile)) {
    throw new OcibakeError(
      'USAGE',
      `--sbom and --metadata-file both name ${file}; the second would replace the first.`,
      {
        hint: 'Give each a file of its own.',
      },
    )
  }
  const local = jobs.find(({ outputs }) => push !== true && !outputs.some(({ kind }) => kind === 'docker'))
  if (attach && local !== undefined) {
    throw new OcibakeError('USAGE', `--attach-sbom: the image of ${local.plan.file} is not pushed.`, {
      hint: 'Add --push, or --output docker://REF; --sbom FILE writes the list to a file.',
    })
  }
  return file === undefined && !attach ? undefined : { file, attach, creator: `ocibake-${version}` }
}
